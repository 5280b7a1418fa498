/**
 * The ledger of one hub as another one counts it: batch after batch of its chain, each checked before it counts, folded
 * to what operators have by season. What is wrong with a batch is its hub's doing: from there on the hub counts for
 * nothing, and the reason is kept. Batches that are missing are none of that: it counts from the next one on, anew.
 * Pure; `network-ledger.ts` has one for each hub.
 */

import { sha256 } from '../../../shared/answers/sha256.ts'
import { headsRemembered, networkOperatorsMax } from '../../../shared/limits/cluster/ledger.ts'
import { batchLeavesMax } from '../../../shared/limits/ledger/ledger.ts'
import { isPeerOperator, operatorOf } from '../../../shared/scouts/scout-id.ts'
import { earnedIn, escrowIn } from '../accounts/account.ts'
import { dayOfReceipt } from '../accounts/earnings.ts'
import type { SeasonMove, Transfer } from '../accounts/events.ts'
import { type Rules, readRules } from '../points/rules.ts'
import { type ChainEnd, emptyChain, type Head, readHead, rootOf, type SealedBatch } from '../receipts/chain.ts'
import { eachLeaf } from '../receipts/leaf-buffer.ts'
import { isFrozen, mayMove, type SeasonState, seasonOfDay } from '../seasons/season.ts'
import { type Contents, contentsOf, noContents, ownContents } from './contents.ts'
import { isDay } from './foreign-leaf.ts'
import type { ToldReceipt } from './told-receipt.ts'

/** A batch as its hub tells of it. */
export type ToldBatch = Pick<SealedBatch, 'head' | 'signature' | 'leaves'>

/** What an operator has at one hub of one season. */
export interface Share {
  earned: number
  /** In escrow, of days of that season. */
  waiting: number
  /** Of both, what its hub says that it was asked for by other hubs. */
  claimed: number
}

/** How far it is counted, and why no further. */
export interface Standing {
  /** The number of the last batch. */
  end: number
  /** And of the first one that is in the sums. */
  from: number
  /** What it did, as a clause; null while it counts. */
  flaw: string | null
}

/** Something in a batch that another hub may have the other half of. */
interface Folded {
  shared: readonly ToldReceipt[]
  /** The clock of the hub: milliseconds since 1970, never back. */
  clockMs: number
  /** Null where there are no receipts. */
  rules: Rules | null
  /** What was counted of it before counts no more. */
  isAnew: boolean
}

export interface HubLedgerSnapshot extends Standing {
  hash: string
  clockMs: number
  rules: string
  heads: [seq: number, hash: string][]
  seasons: [season: string, state: SeasonState][]
  shares: [account: string, share: Share][]
}

type Verify = (bytes: Uint8Array, signature: Uint8Array) => boolean

export class HubLedger {
  private end: ChainEnd = emptyChain
  private from = 1
  private flaw: string | null = null
  private clockMs = 0
  private rules: Rules | null = null
  /** Of the last batches: SHA-256 as text. */
  private readonly heads = new Map<number, string>()
  private readonly seasons = new Map<string, SeasonState>()
  /** By season and operator, with a tab between. */
  private shares = new Map<string, Share>()

  /** `verify`: a signature of this hub; null for the own chain, of which nothing is in doubt. */
  constructor(private readonly verify: Verify | null) {}

  get standing(): Standing {
    const { end, from, flaw } = this
    return { end: end.seq, from, flaw }
  }

  shareOf(season: string, operator: string): Share | undefined {
    return this.shares.get(accountOf(season, operator))
  }

  *operatorsOf(season: string): Iterable<string> {
    for (const account of this.shares.keys()) {
      if (account.startsWith(`${season}\t`)) yield account.slice(season.length + 1)
    }
  }

  /** Rules under which the batches that follow are sealed. */
  tell(text: string): void {
    if (text === this.rules?.text) return
    const rules = readRules(text)
    if (!('flaw' in rules)) this.rules = rules
  }

  /** Null for a batch that was there before, or does not count. */
  take(batch: ToldBatch): Folded | null {
    if (this.flaw !== null) return null
    const head = readHead(batch.head)
    if (head === null || !Number.isSafeInteger(head.seq)) return this.fail('it told of a batch without a head')
    if (this.verify?.(batch.head, batch.signature) === false) {
      return this.fail(`its signature of batch ${head.seq} does not hold`)
    }
    // What it told of its rules is gone from the log, until it tells of them again.
    if (this.rules === null) return null
    const hash = sha256(batch.head)
    if (head.seq <= this.end.seq) return this.compare(head.seq, hash)
    const isNext = head.seq === this.end.seq + 1
    if (isNext && Buffer.compare(head.previous, this.end.hash) !== 0) {
      return this.fail(`its batch ${head.seq} does not follow on the one before`)
    }
    // Its receipts were forgotten before it was told of, which no hub does that is never away for long.
    const isBare = batch.leaves.length === 0
    const contents = isBare ? noContents() : this.contentsOf(head, batch.leaves)
    if (typeof contents === 'string') return this.fail(`${contents} in batch ${head.seq}`)
    const isAnew = !isNext || isBare
    if (isAnew) this.beginAnew(isBare ? head.seq + 1 : head.seq)
    this.clockMs = Math.max(this.clockMs, head.atMs)
    const flaw = this.fold(contents)
    if (flaw !== null) return this.fail(`${flaw} in batch ${head.seq}`)
    this.end = { seq: head.seq, hash }
    this.remember(head.seq, hash)
    return { shared: contents.shared, clockMs: this.clockMs, rules: this.rules, isAnew }
  }

  /** Two heads of one number tell two stories. */
  private compare(seq: number, hash: Uint8Array): null {
    const known = this.heads.get(seq)
    if (known !== undefined && known !== textOf(hash)) return this.fail(`it signed two heads of batch ${seq}`)
    return null
  }

  /** What a batch has, or what is wrong with it. */
  private contentsOf({ count, root, rulesHash }: Head, leaves: Uint8Array): Contents | string {
    const { rules } = this
    if (rules === null || Buffer.compare(rulesHash, rules.hash) !== 0) return 'there are rules that it never told of,'
    if (this.verify === null) return ownContents(leaves)
    const isWhole = count === leavesIn(leaves) && Buffer.compare(root, rootOf(leaves)) === 0
    return isWhole ? contentsOf(leaves, rules) : 'leaves are not those of the head'
  }

  private fail(flaw: string): null {
    this.flaw = flaw
    return null
  }

  private beginAnew(from: number): void {
    this.from = from
    this.shares = new Map()
    this.heads.clear()
  }

  private remember(seq: number, hash: Uint8Array): void {
    this.heads.set(seq, textOf(hash))
    this.heads.delete(seq - headsRemembered)
  }

  private fold({ receipts, events }: Contents): string | null {
    const { length, scouts, seconds, points, isClaimed } = receipts
    for (let at = 0; at < length; at++) this.receipt(scouts[at]!, seconds[at]!, points[at]!, isClaimed[at] === 1)
    for (const event of events) {
      // Of a scout's key, which moves nothing.
      if (event.type === 'pin') continue
      const flaw = event.type === 'season' ? this.move(event) : this.transfer(event)
      if (flaw !== null) return flaw
    }
    return this.shares.size > networkOperatorsMax ? 'there are more operators than anybody counts,' : null
  }

  private receipt(scout: string, atS: number, points: number, isClaimed: boolean): void {
    const season = seasonOfDay(dayOfReceipt({ atS }))
    if (!this.seasons.has(season)) this.seasons.set(season, 'open')
    const operator = operatorOf(scout)
    // What scouts of another hub did is in the chain of that one.
    if (points === 0 || isPeerOperator(operator)) return
    const share = this.shareAt(season, operator)
    share.waiting += points
    if (isClaimed) share.claimed += points
  }

  private move({ season, to }: SeasonMove): string | null {
    const state = this.seasons.get(season)
    if (this.from === 1 && (state === undefined || !mayMove(state, to))) return 'a season moves where it cannot'
    this.seasons.set(season, to)
    return null
  }

  private transfer({ from, to, points }: Transfer): string | null {
    return this.side(from, -points) ?? this.side(to, points)
  }

  /** Accounts of no operator are no concern of anybody else. */
  private side(account: string, points: number): string | null {
    const earned = earnedIn(account)
    if (earned !== null) {
      if (isPeerOperator(earned.operator)) return null
      if (isFrozen(this.seasons.get(earned.season))) return 'points of a season that is closed move'
      return this.add(this.shareAt(earned.season, earned.operator), 'earned', points)
    }
    const escrow = escrowIn(account)
    if (escrow === null || isPeerOperator(operatorOf(escrow.scout))) return null
    if (!isDay(escrow.day)) return 'points wait for a day that is none'
    return this.add(this.shareAt(seasonOfDay(escrow.day), operatorOf(escrow.scout)), 'waiting', points)
  }

  private add(share: Share, what: 'earned' | 'waiting', points: number): string | null {
    share[what] += points
    // Of a chain that is not known from its beginning, nobody can say what was there before.
    return share[what] < 0 && this.from === 1 ? 'more points move than there are' : null
  }

  private shareAt(season: string, operator: string): Share {
    const account = accountOf(season, operator)
    const known = this.shares.get(account)
    if (known !== undefined) return known
    const share = { earned: 0, waiting: 0, claimed: 0 }
    this.shares.set(account, share)
    return share
  }

  snapshot(): HubLedgerSnapshot {
    const { standing, end, clockMs, rules, heads, seasons, shares } = this
    return {
      ...{ ...standing, hash: textOf(end.hash), clockMs, rules: rules?.text ?? '' },
      ...{ heads: [...heads], seasons: [...seasons], shares: [...shares] },
    }
  }

  restore({ end, from, flaw, hash, clockMs, rules, heads, seasons, shares }: HubLedgerSnapshot): void {
    this.end = { seq: end, hash: Buffer.from(hash, 'base64url') }
    this.from = from
    this.flaw = flaw
    this.clockMs = clockMs
    this.tell(rules)
    for (const [seq, text] of heads) this.heads.set(seq, text)
    for (const [season, state] of seasons) this.seasons.set(season, state)
    this.shares = new Map(shares)
  }
}

/** How many there are; null where they are too many, or the last one is cut off. */
function leavesIn(packed: Uint8Array): number | null {
  let count = 0
  let end = 0
  const see = (_: number, to: number) => {
    count++
    end = to
  }
  eachLeaf(packed, see, batchLeavesMax)
  return end === packed.length ? count : null
}

function accountOf(season: string, operator: string): string {
  return `${season}\t${operator}`
}

function textOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('base64url')
}
