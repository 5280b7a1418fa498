/**
 * Points that the sides of a dispute put at stake, and what was spent on the answer that is disputed. A pledge is an
 * account of its own in the chain, so that nothing about it is lost with a process; what it was spent on a task is
 * looked up in the chain, because no balance says it.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { spendSearchBatches, spendSearchPerTurn } from '../../../../shared/limits/ledger/ledger.ts'
import type { Steps } from '../../../../shared/turn-lane.ts'
import { clientOf, type Pledge, pledgedOf, pledgeIn } from '../../../ledger/accounts/account.ts'
import { type Transfer, transfersIn } from '../../../ledger/accounts/events.ts'
import type { Projector } from '../../../ledger/accounts/projector.ts'
import type { Rules } from '../../../ledger/points/rules.ts'
import { paidPrice, pointsOf } from '../../../ledger/points/work.ts'
import { chargeOf } from '../../../ledger/spending/reservations.ts'
import { notWritable } from '../../durability/journal.ts'
import type { LedgerStore } from '../../ports/ledger/ledger-store.ts'
import type { Pledges } from '../../ports/ledger/pledges.ts'
import { receiptOf } from '../attesting.ts'
import { batchOf } from '../replay.ts'
import type { Spending } from './spending.ts'

interface PledgesParts {
  store: Pick<LedgerStore, 'receiptPlace' | 'batch' | 'batchesAfter' | 'lastBatch'>
  projector: Projector
  rules: Rules
  spending: Pick<Spending, 'available'>
  /** Everything so far goes into the chain. */
  sealSpent: () => void
  /** The store takes nothing now. */
  isInTrouble: () => boolean
  seal: (events: readonly Transfer[]) => void
}

export class PledgeBook implements Pledges {
  constructor(private readonly parts: PledgesParts) {}

  costOf(task: number): number | null {
    const { store, rules } = this.parts
    const receipt = receiptOf(store, task)
    if (receipt === undefined) return null
    const { model, promptUnits, answerUnits } = receipt
    return chargeOf(pointsOf(paidPrice(rules, model), promptUnits, answerUnits))
  }

  set(pledge: Pledge, points: number): Fault | null {
    const { spending, sealSpent, seal, isInTrouble } = this.parts
    if (isInTrouble()) return notWritable
    const has = spending.available(pledge.tenant)
    if (has < points) return lacking(points, has)
    // What clients have set aside meanwhile comes first in the chain.
    sealSpent()
    seal([{ type: 'transfer', why: 'pledge', from: clientOf(pledge.tenant), to: pledgedOf(pledge), points }])
    return null
  }

  open(): Pledge[] {
    return [...this.parts.projector.balances.accounts()].flatMap(([account]) => pledgeIn(account) ?? [])
  }

  *spentOn(task: number): Steps<number> {
    const { store } = this.parts
    const place = store.receiptPlace(task)
    if (place === undefined) return 0
    const note = String(task)
    let spent = 0
    let seq = Math.max(0, place.seq - spendSearchBatches)
    while (seq < place.seq + spendSearchBatches) {
      const rows = store.batchesAfter(seq, spendSearchPerTurn)
      if (rows.length === 0) break
      for (const row of rows) spent += spentIn(batchOf(row).leaves, note)
      seq = rows.at(-1)!.seq
      yield
    }
    return spent
  }
}

function spentIn(leaves: readonly Uint8Array[], note: string): number {
  const spends = transfersIn(leaves).filter((transfer) => transfer.why === 'spend' && transfer.note === note)
  return spends.reduce((sum, { points }) => sum + points, 0)
}

function lacking(points: number, has: number): Fault {
  const text = `This sets ${points} points aside, which come back unless you lose, and you have ${has} to spend`
  return fault('insufficient_points', `${text}: get more first, which a scout of your own earns.`)
}
