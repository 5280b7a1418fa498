import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import '../support/law/seeded-properties.ts'
import { burn, clientOf, earnedOf, escrowIn, escrowOf, mint } from '../../orchestrator/ledger/accounts/account.ts'
import { Balances, conservationOf, violationsOf } from '../../orchestrator/ledger/accounts/balances.ts'
import type { LedgerEvent, Transfer } from '../../orchestrator/ledger/accounts/events.ts'
import { Projector } from '../../orchestrator/ledger/accounts/projector.ts'
import type { Verdict } from '../../orchestrator/ledger/accounts/trust-port.ts'
import { consequenceOf } from '../../orchestrator/ledger/accounts/verdicts.ts'
import { eventsDue } from '../../orchestrator/ledger/accounts/vesting.ts'
import { flagBits } from '../../orchestrator/ledger/points/zero-rules.ts'
import type { Receipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { chargeNeeded, chargeOf, reserveEvent, settleEvents } from '../../orchestrator/ledger/spending/reservations.ts'
import { atOnce } from '../../shared/turn-lane.ts'
import { dayMs, mayMs, receiptOf, SmallLedger } from '../support/ledger/small-ledger.ts'

/** A step of a random history. */
type Step =
  | { do: 'work'; tasks: { scout: number; model: number; units: number; isOwn: boolean }[] }
  | { do: 'wait'; days: number }
  | { do: 'upkeep'; trusted: boolean }
  | { do: 'convict'; scout: number; isCleared: boolean }
  | { do: 'judge'; verdict: Verdict['do']; id: number; tasks: number[] }
  | { do: 'spend'; tenant: number; most: number; cost: number }

const small = (max: number) => fc.nat({ max })
const works = fc.record({ scout: small(3), model: small(2), units: small(1e7), isOwn: fc.boolean() })
const verdicts = fc.constantFrom<Verdict['do']>('hold', 'release', 'clawback')
const steps = fc.oneof(
  fc.record({ do: fc.constant('work' as const), tasks: fc.array(works, { minLength: 1, maxLength: 6 }) }),
  fc.record({ do: fc.constant('wait' as const), days: small(12) }),
  fc.record({ do: fc.constant('upkeep' as const), trusted: fc.boolean() }),
  fc.record({ do: fc.constant('convict' as const), scout: small(3), isCleared: fc.boolean() }),
  fc.record({ do: fc.constant('judge' as const), verdict: verdicts, id: small(2), tasks: fc.array(small(20)) }),
  fc.record({ do: fc.constant('spend' as const), tenant: small(2), most: small(1e6), cost: small(1e6) }),
)

/** Plays steps on a ledger and keeps what it cannot know itself. */
class Play {
  readonly ledger = new SmallLedger()
  readonly receipts = new Map<number, Receipt>()
  private nowMs = mayMs
  private task = 0
  /** When scouts were convicted that have not been cleared. */
  private readonly convicted = new Map<string, number>()
  /** What every receipt was worth. */
  earned = 0

  step(step: Step): void {
    switch (step.do) {
      case 'work':
        return this.work(step.tasks)
      case 'wait':
        this.nowMs += step.days * dayMs
        return
      case 'upkeep':
        return this.seal(this.due(step.trusted))
      case 'convict':
        return this.convict(`op${step.scout % 2}/s${step.scout}`, step.isCleared)
      case 'judge':
        return this.judge({ id: `d${step.id}`, do: step.verdict, tasks: step.tasks })
      case 'spend':
        return this.spend(`t${step.tenant}`, step.most, step.cost)
    }
  }

  private work(tasks: Extract<Step, { do: 'work' }>['tasks']): void {
    const made = tasks.map(({ scout, model, units, isOwn }) => {
      const flags = isOwn ? flagBits.own : 0
      const atS = Math.floor(this.nowMs / 1000)
      const who = { scout: `op${scout % 2}/s${scout}`, model: `m${model}` }
      const receipt = receiptOf(++this.task, { ...who, atS, promptUnits: units, flags })
      this.receipts.set(receipt.task, receipt)
      this.earned += receipt.points
      return receipt
    })
    this.seal(made)
  }

  private convict(scout: string, isCleared: boolean): void {
    if (isCleared) this.convicted.delete(scout)
    else this.convicted.set(scout, this.nowMs)
  }

  private due(trusted: boolean): LedgerEvent[] {
    const { nowMs, convicted } = this
    const trust = { isTrusted: () => trusted, convictedMs: (scout: string) => convicted.get(scout) ?? null }
    const due = { nowMs, trust, ownerSinceMs: () => 0, eventsMax: 3 }
    const events = atOnce(eventsDue(this.ledger.projector, due))
    for (const event of events) if (event.type === 'transfer') this.isDue(event)
    return events
  }

  /** What waited at a conviction is burnt seven days later, and nothing else is; meanwhile it does not vest. */
  private isDue({ why, from }: Transfer): void {
    const { day, scout } = escrowIn(from)!
    const convictedMs = this.convicted.get(scout) ?? null
    const isHeld = convictedMs !== null && day * dayMs <= convictedMs
    expect(why).toBe(isHeld ? 'clawback' : 'vest')
    if (isHeld) expect(this.nowMs).toBeGreaterThanOrEqual(convictedMs + 7 * dayMs)
  }

  /** Nothing that is to be burnt by now is there after as many looks as it takes. */
  left(): string[] {
    for (let events = this.due(false); events.length > 0; events = this.due(false)) this.seal(events)
    const { nowMs, convicted } = this
    return [...this.ledger.projector.balances.accounts()].flatMap(([account]) => {
      const escrow = escrowIn(account)
      const atMs = escrow === null ? undefined : convicted.get(escrow.scout)
      return atMs !== undefined && escrow!.day * dayMs <= atMs && nowMs >= atMs + 7 * dayMs ? [account] : []
    })
  }

  private judge(verdict: Verdict): void {
    const receipts = verdict.tasks.flatMap((task) => this.receipts.get(task) ?? [])
    const { events, missing } = consequenceOf(this.ledger.projector, verdict, receipts, this.nowMs)
    expect(missing).toBeGreaterThanOrEqual(0)
    this.seal(events)
  }

  /** What an operator has earned goes to a client, a task reserves and is settled. */
  private spend(tenant: string, most: number, cost: number): void {
    const { balances } = this.ledger.projector
    const source = [...balances.accounts()].find(([account]) => account.startsWith('earned'))
    const transfer = { type: 'transfer', why: 'deposit', to: clientOf(tenant) } as const
    if (source !== undefined) {
      const deposit = { ...transfer, from: source[0], points: source[1] }
      if (this.ledger.projector.flawOf(deposit) === null) this.seal([deposit])
    }
    const before = balances.of(clientOf(tenant))
    if (before < most || most === 0) return
    const hold = `${++this.task}`
    this.seal([reserveEvent(tenant, hold, most)])
    expect(balances.totals.reserved).toBe(most)
    this.seal(settleEvents(tenant, hold, most, { task: this.task, points: cost }))
    expect(balances.of(clientOf(tenant))).toBe(before - Math.min(cost, most))
    expect(balances.totals.reserved).toBe(0)
  }

  private seal(leaves: (Receipt | LedgerEvent)[]): void {
    if (leaves.length > 0) this.ledger.seal(leaves, this.nowMs)
  }
}

const histories = fc.array(steps, { maxLength: 40 })

function waitingIn({ balances }: Projector, operator: string): number {
  const escrows = [...balances.accounts()].filter(([account]) => escrowIn(account)?.scout.startsWith(`${operator}/`))
  return escrows.reduce((sum, [, points]) => sum + points, 0)
}

describe('over any history', () => {
  test('no point is made or lost: what was minted is in escrow, earned, held, burnt or with clients', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const play = new Play()
        for (const step of history) {
          play.step(step)
          expect(violationsOf(play.ledger.projector.balances)).toEqual([])
        }
        expect(conservationOf(play.ledger.projector.balances.totals).minted).toBe(play.earned)
      }),
    )
  })

  test('the batches alone give the same balances, seasons and end of the chain again', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const play = new Play()
        for (const step of history) play.step(step)
        const again = new Projector()
        for (const batch of play.ledger.batches) again.fold(batch)
        const { projector } = play.ledger
        expect([...again.balances.accounts()].sort()).toEqual([...projector.balances.accounts()].sort())
        expect(again.seasons).toEqual(projector.seasons)
        for (const operator of projector.operators()) {
          const waits = [again.waitingOf(operator), projector.waitingOf(operator), waitingIn(projector, operator)]
          expect(new Set(waits).size).toBe(1)
        }
        expect(again.end).toEqual(projector.end)
      }),
    )
  })

  test('what waited at a conviction is burnt after seven days, unless the scout was cleared', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const play = new Play()
        for (const step of history) play.step(step)
        expect(play.left()).toEqual([])
        expect(violationsOf(play.ledger.projector.balances)).toEqual([])
      }),
    )
  })

  test('one task is never taken back for more than its receipt was worth', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const play = new Play()
        for (const step of history) play.step(step)
        for (const [account, points] of play.ledger.projector.balances.accounts()) {
          const [kind, task] = account.split('\t')
          if (kind !== 'burn' || task === undefined) continue
          expect(points).toBeLessThanOrEqual(play.receipts.get(Number(task))!.points)
        }
      }),
    )
  })
})

describe('balances', () => {
  test('below zero are a defect', () => {
    const balances = new Balances()
    balances.mint('escrow\t1\ts\tm', 5)
    expect(() => balances.half('escrow\t1\ts\tm', -6)).toThrow('would be left with -1 points')
  })

  test('that came to nothing and get something again are found, also by who kept what they had', () => {
    const balances = new Balances()
    const escrow = 'escrow\t1\ts\tm'
    const kept = balances.mint(escrow, 5)
    balances.half(escrow, -5)
    balances.half(burn, 5)
    balances.mint(escrow, 3, kept)
    expect([balances.of(escrow), violationsOf(balances)]).toEqual([3, []])
  })

  test('that do not add up are found', () => {
    const balances = new Balances()
    balances.half(mint, -5)
    balances.half(burn, 5)
    expect(violationsOf(balances)).toEqual([])
    balances.restore('earned\t2026-05\top', 3)
    expect(violationsOf(balances)).toEqual([
      'all accounts together have 3 points',
      '5 points were minted, and 8 are there',
    ])
  })
})

describe('an event that cannot be is a defect, and changes nothing', () => {
  const escrow = escrowOf(mayMs / dayMs, 'key_ant/ant', 'llama-3.1-8b-instant')
  const transfer = {
    type: 'transfer',
    why: 'vest',
    from: escrow,
    to: earnedOf('2026-05', 'key_ant'),
    points: 1,
  } as const

  test.each<[what: string, event: LedgerEvent, flaw: string]>([
    ['more than there is', { ...transfer, points: 10_000 }, 'has 920 points and not 10000'],
    ['nothing', { ...transfer, points: 0 }, 'no whole number of points above zero'],
    ['a fraction', { ...transfer, points: 0.5 }, 'no whole number of points above zero'],
    ['by a reason that does not move it', { ...transfer, why: 'refund' }, 'does not move points from escrow to earned'],
    ['from what is no account', { ...transfer, from: 'pocket' }, 'names no account'],
    ['with a long note', { ...transfer, note: 'x'.repeat(201) }, 'more than 200 characters'],
    ['a season that nobody knows', { type: 'season', season: '2025-05', to: 'closing' }, 'nothing was earned'],
    ['a season past its next state', { type: 'season', season: '2026-05', to: 'paid' }, 'is open and cannot be paid'],
    ['no season', { type: 'season', season: 'may', to: 'closing' }, 'is no season'],
  ])('%s', (_what, event, flaw) => {
    const ledger = new SmallLedger()
    ledger.seal([receiptOf(1)])
    const before = [...ledger.projector.balances.accounts()]
    expect(() => ledger.seal([event])).toThrow(flaw)
    expect([...ledger.projector.balances.accounts()]).toEqual(before)
  })

  test('in a season that is frozen', () => {
    const ledger = new SmallLedger()
    ledger.seal([receiptOf(1), { ...transfer, points: 900 }])
    ledger.seal([{ type: 'season', season: '2026-05', to: 'closing' }])
    ledger.seal([{ ...transfer }])
    ledger.seal([{ type: 'season', season: '2026-05', to: 'closed' }])
    expect(() => ledger.seal([transfer])).toThrow('season 2026-05 is frozen')
    const back = { ...transfer, why: 'revoke', from: transfer.to, to: burn } as const
    expect(() => ledger.seal([back])).toThrow('season 2026-05 is frozen')
    ledger.seal([{ type: 'season', season: '2026-05', to: 'paid', note: 'bank 12' }])
    expect(ledger.projector.seasons.get('2026-05')).toMatchObject({ state: 'paid', note: 'bank 12' })
  })
})

test('a task may cost no more than its prompt and the longest answer that it allows, with the fee', () => {
  expect(chargeNeeded({ prompt: 50_000, answer: 80_000 }, 1_000_000, 1_000_000)).toBe(136_500)
  expect([0, 1, 20, 21].map(chargeOf)).toEqual([0, 2, 21, 23])
})
