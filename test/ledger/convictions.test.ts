/** What becomes, in a hub's own ledger, of points that waited when their scout was convicted. */
import { expect, test } from 'vitest'
import { KeptLedger } from '../support/ledger/kept-ledger.ts'
import { dayMs } from '../support/ledger/small-ledger.ts'

const ant = { scout: 'key_ant/ant', model: 'llama-3.1-8b-instant', tenant: 'client', units: 10_000 }

/** A ledger in which ant has worked and was convicted; whether it was cleared since is the test's to say. */
function convictedLedger() {
  const kept = new KeptLedger()
  const record = { convictedMs: null as number | null }
  const trust = { isTrusted: () => true, isConvicted: () => false, convictedMs: () => record.convictedMs }
  kept.ledger.judgedBy(trust)
  kept.work(ant)
  kept.pass(dayMs / 24)
  record.convictedMs = kept.system.wallMs()
  return { kept, record, trust }
}

test('they are told with their day, burnt on it, and burnt for good after a death of the hub', () => {
  const { kept, record, trust } = convictedLedger()
  kept.pass(6 * dayMs)
  const { minted, escrow, earned } = kept.ledger.conservation()
  expect([escrow, earned]).toEqual([minted, 0])
  const burnsMs = record.convictedMs! + 7 * dayMs
  expect(kept.ledger.pointsOf('key_ant')).toMatchObject({ waiting: escrow, convicted: escrow, burnsMs })
  kept.passUntil(burnsMs + dayMs / 24)
  expect(kept.ledger.conservation()).toMatchObject({ minted, escrow: 0, earned: 0, burnt: minted })
  expect(kept.ledger.pointsOf('key_ant')).toMatchObject({ waiting: 0, convicted: 0 })
  kept.start()
  kept.ledger.judgedBy(trust)
  kept.pass(dayMs)
  expect(kept.ledger.conservation()).toMatchObject({ minted, burnt: minted })
})

test('they wait like any others where the scout is cleared in time', () => {
  const { kept, record } = convictedLedger()
  kept.pass(6 * dayMs)
  record.convictedMs = null
  kept.pass(2 * dayMs)
  const { escrow, burnt } = kept.ledger.conservation()
  // An account that is not known has nothing vested.
  expect([escrow, burnt]).toEqual([kept.ledger.conservation().minted, 0])
  expect(kept.ledger.pointsOf('key_ant')).toMatchObject({ convicted: 0, burnsMs: null })
})
