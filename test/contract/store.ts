/** What every adapter of the Store port promises: epochs, copies and the end here, the rest in files of their own. */
import { describe, expect, test } from 'vitest'
import {
  auditWrite,
  event,
  intentRow,
  keyRow,
  newIntent,
  newKey,
  outcome,
  taskRow,
} from '../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../support/store/store-stage.ts'
import { accountContract } from './store/accounts.ts'
import { batchContract } from './store/batches.ts'
import { bookContract } from './store/books.ts'
import { controlContract } from './store/control.ts'
import { disputeContract } from './store/disputes.ts'
import { intentContract } from './store/intents.ts'
import { ledgerContract } from './store/ledger.ts'
import { reportContract } from './store/reports.ts'
import { responseContract } from './store/responses.ts'
import { sharedKeyContract } from './store/shared-keys.ts'
import { trustContract } from './store/trust.ts'

export function storeContract(adapter: string, fresh: () => StoreMaker): void {
  describe(`the store on ${adapter}`, () => {
    epochContract(fresh)
    accountContract(fresh)
    intentContract(fresh)
    batchContract(fresh)
    controlContract(fresh)
    bookContract(fresh)
    responseContract(fresh)
    reportContract(fresh)
    ledgerContract(fresh)
    trustContract(fresh)
    sharedKeyContract(fresh)
    disputeContract(fresh)
    lifeContract(fresh)
  })
}

function epochContract(fresh: () => StoreMaker): void {
  test('counts epochs upwards, and goes on after a reopen', () => {
    const { store, reopen } = storeStage(fresh())
    const before = [store().nextEpoch(), store().nextEpoch()]
    const after = reopen().nextEpoch()
    expect(before).toEqual([1, 2])
    expect(after).toBe(3)
  })
}

function lifeContract(fresh: () => StoreMaker): void {
  test('refuses to write once it is closed', () => {
    const { store, reopen } = storeStage(fresh())
    const closed = store()
    reopen()
    expect(() => closed.commit([newIntent(intentRow('int_late'))])).toThrow()
    expect(() => closed.nextEpoch()).toThrow()
    expect(store().intent('int_late')).toBeUndefined()
    expect(store().nextEpoch()).toBe(1)
  })

  test('copies itself whole to a new place, goes on, and never replaces a copy', () => {
    const { store, copyPath, openCopy } = storeStage(fresh())
    store().nextEpoch()
    store().commit([newKey('a'), auditWrite('a')])
    store().commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1')]), event('int_1', 1)])
    store().backup(copyPath)
    expect(outcome(store(), [newIntent(intentRow('int_2'), [taskRow(2, 'int_2')])])).toBe('committed')
    expect(() => store().backup(copyPath)).toThrow()
    const copy = openCopy()
    expect(copy.listKeys()).toEqual([keyRow('a')])
    expect(copy.audit({ limit: 9 })).toEqual(store().audit({ limit: 9 }))
    const open = { intent: intentRow('int_1'), tasks: [taskRow(1, 'int_1')], requestBytes: [5], lastSeq: 1 }
    expect([...copy.openIntents()]).toEqual([open])
    expect(copy.request(1)).toEqual(store().request(1))
    expect(copy.nextEpoch()).toBe(2)
  })
}
