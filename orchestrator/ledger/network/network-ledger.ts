/**
 * The ledgers of all hubs of a network as one hub counts them: what each operator has at which hub, and of tasks that
 * one hub did for another those alone that both stand for. Whatever the order in which the chains are told, the sums
 * are the same. Hubs are known by their keys, and those count that are in the roster now; names are the roster's. Pure.
 */
import { operatorOf, peerOperator } from '../../../shared/scouts/scout-id.ts'
import { dayOfReceipt } from '../accounts/earnings.ts'
import type { ListPrice } from '../points/rules.ts'
import { paidPrice } from '../points/work.ts'
import { flagBits, voidBits } from '../points/zero-rules.ts'
import { seasonOfDay } from '../seasons/season.ts'
import { type Acknowledgement, type Agreed, type Claim, Halves, type HalvesSnapshot } from './halves.ts'
import { HubLedger, type HubLedgerSnapshot, type Standing, type ToldBatch } from './hub-ledger.ts'
import { sharedTaskIn } from './shared-task.ts'
import type { ToldReceipt } from './told-receipt.ts'

/** An authority of the roster. */
export interface LedgerHub {
  name: string
  key: string
}

/** What an operator has of one season at one hub, as far as the network counts it. */
interface HubPoints {
  hub: string
  earned: number
  waiting: number
  /** Not counted: its hub says so, and the hub that asked has not said that it got the answer. */
  unacknowledged: number
}

export interface OperatorSum {
  operator: string
  earned: number
  waiting: number
  unacknowledged: number
  hubs: HubPoints[]
}

export interface NetworkLedgerSnapshot {
  version: typeof snapshotVersion
  hubs: [key: string, ledger: HubLedgerSnapshot][]
  agreed: [of: string, byAsker: [asker: string, points: number][]][]
  halves: HalvesSnapshot
}

const snapshotVersion = 1

type VerifierOf = (key: string) => ((bytes: Uint8Array, signature: Uint8Array) => boolean) | null

export class NetworkLedger {
  private readonly hubs = new Map<string, HubLedger>()
  private readonly halves = new Halves()
  /** Points that two hubs stand for: by who served, season and operator, and then by who asked. */
  private readonly agreed = new Map<string, Map<string, number>>()

  constructor(private readonly verifierOf: VerifierOf) {}

  /** Receipts of tasks between hubs whose other half has not come, and those that were given up. */
  get open(): { halves: number; lost: number } {
    return { halves: this.halves.size, lost: this.halves.lost }
  }

  standingOf(key: string): Standing | null {
    return this.hubs.get(key)?.standing ?? null
  }

  /** Hubs of which anything was told, in the roster or not. */
  keys(): Iterable<string> {
    return this.hubs.keys()
  }

  tell({ key }: LedgerHub, rules: string): void {
    this.ledgerOf(key).tell(rules)
  }

  take(hub: LedgerHub, batch: ToldBatch): void {
    const folded = this.ledgerOf(hub.key).take(batch)
    if (folded === null) return
    const { shared, clockMs, rules, isAnew } = folded
    if (isAnew) this.disagree(hub.name)
    for (const receipt of shared) {
      if (receipt.asker !== '') {
        const price = paidPrice(rules!, receipt.model)
        const claim = claimOf(hub, receipt, clockMs, price)
        if (claim !== null) this.note(this.halves.claim(claim))
      }
      if (receipt.home !== '' && (receipt.flags & flagBits.elsewhere) !== 0) {
        const acknowledgement = acknowledgementOf(hub, receipt, clockMs)
        if (acknowledgement !== null) this.note(this.halves.acknowledge(acknowledgement))
      }
    }
    this.halves.passed(hub.name, clockMs)
  }

  /** Everybody who has something of this season at these hubs: the most points first. */
  season(season: string, roster: readonly LedgerHub[]): OperatorSum[] {
    const operators = new Set<string>()
    for (const { key } of roster) {
      for (const operator of this.hubs.get(key)?.operatorsOf(season) ?? []) operators.add(operator)
    }
    const sums = [...operators].map((operator) => this.operator(operator, season, roster))
    const ranked = sums.filter(({ earned, waiting }) => earned + waiting > 0)
    return ranked.sort((one, other) => other.earned - one.earned || other.waiting - one.waiting)
  }

  operator(operator: string, season: string, roster: readonly LedgerHub[]): OperatorSum {
    const sum: OperatorSum = { operator, earned: 0, waiting: 0, unacknowledged: 0, hubs: [] }
    for (const hub of roster) {
      const share = this.pointsAt(hub, season, operator, roster)
      if (share === null) continue
      sum.hubs.push(share)
      sum.earned += share.earned
      sum.waiting += share.waiting
      sum.unacknowledged += share.unacknowledged
    }
    return sum
  }

  /** What is not acknowledged is taken off what waits first. */
  private pointsAt(hub: LedgerHub, season: string, operator: string, roster: readonly LedgerHub[]): HubPoints | null {
    const share = this.hubs.get(hub.key)?.shareOf(season, operator)
    if (share === undefined) return null
    const agreed = this.agreedOn(agreedKey({ home: hub.name, season, operator }), roster)
    const unacknowledged = Math.max(0, share.claimed - agreed)
    const waiting = Math.max(0, share.waiting)
    const ofWaiting = Math.min(waiting, unacknowledged)
    const earned = Math.max(0, share.earned - (unacknowledged - ofWaiting))
    return { hub: hub.name, earned, waiting: waiting - ofWaiting, unacknowledged }
  }

  /** What hubs of the roster that asked stand for. */
  private agreedOn(key: string, roster: readonly LedgerHub[]): number {
    let sum = 0
    for (const [asker, points] of this.agreed.get(key) ?? []) {
      if (roster.some(({ name }) => name === asker)) sum += points
    }
    return sum
  }

  /** Its chain is counted from a later batch on. */
  private disagree(home: string): void {
    for (const key of this.agreed.keys()) if (key.startsWith(`${home}\t`)) this.agreed.delete(key)
  }

  snapshot(): NetworkLedgerSnapshot {
    const hubs = [...this.hubs].map(([key, ledger]): [string, HubLedgerSnapshot] => [key, ledger.snapshot()])
    const agreed = [...this.agreed].map(([of, byAsker]): [string, [string, number][]] => [of, [...byAsker]])
    return { version: snapshotVersion, hubs, agreed, halves: this.halves.snapshot() }
  }

  restore({ hubs, agreed, halves }: NetworkLedgerSnapshot): void {
    for (const [key, snapshot] of hubs) this.ledgerOf(key).restore(snapshot)
    for (const [of, byAsker] of agreed) this.agreed.set(of, new Map(byAsker))
    this.halves.restore(halves)
  }

  private note(agreed: Agreed | null): void {
    if (agreed === null) return
    const key = agreedKey(agreed)
    const byAsker = this.agreed.get(key) ?? new Map<string, number>()
    byAsker.set(agreed.asker, (byAsker.get(agreed.asker) ?? 0) + agreed.points)
    this.agreed.set(key, byAsker)
  }

  private ledgerOf(key: string): HubLedger {
    const known = this.hubs.get(key)
    if (known !== undefined) return known
    const ledger = new HubLedger(this.verifierOf(key))
    this.hubs.set(key, ledger)
    return ledger
  }
}

function agreedKey({ home, season, operator }: Pick<Agreed, 'home' | 'season' | 'operator'>): string {
  return `${home}\t${season}\t${operator}`
}

/** Null where it names no task of another hub. */
function claimOf({ name: home }: LedgerHub, receipt: ToldReceipt, sealedMs: number, price: ListPrice): Claim | null {
  const shared = sharedTaskIn(receipt.asker)
  if (shared === null || shared.asker === home) return null
  const { atS, scout, points } = receipt
  const season = seasonOfDay(dayOfReceipt(receipt))
  return { ...shared, home, atMs: atS * 1_000, sealedMs, operator: operatorOf(scout), season, points, price }
}

/** Null where the scout is none of the hub that it names. */
function acknowledgementOf({ name: asker }: LedgerHub, receipt: ToldReceipt, sealedMs: number): Acknowledgement | null {
  const { task, attempt, atS, scout, home, promptUnits, answerUnits, flags } = receipt
  if (operatorOf(scout) !== peerOperator(home)) return null
  const isVoid = (flags & voidBits) !== 0
  return { asker, home, task, attempt, atMs: atS * 1_000, sealedMs, promptUnits, answerUnits, isVoid }
}
