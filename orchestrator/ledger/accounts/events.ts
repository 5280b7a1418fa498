/**
 * What happens in the ledger besides work: points move from one account to another, a season changes its state. Events
 * are leaves of the same signed chain as receipts and are never changed; a correction is another event. Every event
 * takes from one account what it gives to another, so that nothing can come from nowhere. Pure.
 */
import { keyIn } from '../../../shared/answers/answer-keys.ts'
import { ledgerNoteCharsMax } from '../../../shared/limits/ledger/ledger.ts'
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { isReceipt } from '../receipts/receipt.ts'
import { readSeason, type SeasonState, seasonStates } from '../seasons/season.ts'
import { type AccountKind, accountKinds, kindOf } from './account.ts'

/** Why points move, and between which kinds of account each reason may move them. */
const moves = {
  /** Escrow of a trusted scout is its operator's. */
  vest: [['escrow', 'earned']],
  /** An answer is disputed. */
  hold: [
    ['escrow', 'held'],
    ['earned', 'held'],
  ],
  /** The dispute is over, and the answer holds. */
  release: [
    ['held', 'escrow'],
    ['held', 'earned'],
  ],
  /** The answer does not hold, or its scout is convicted. */
  clawback: [
    ['held', 'burn'],
    ['escrow', 'burn'],
    ['earned', 'burn'],
  ],
  /** Too much of a season stems from one owner's requests. */
  cap: [['earned', 'burn']],
  /** A person corrects what was counted. */
  grant: [
    ['mint', 'earned'],
    ['mint', 'client'],
  ],
  revoke: [
    ['earned', 'burn'],
    ['client', 'burn'],
  ],
  /** An operator lets its own clients spend what it has earned. */
  deposit: [['earned', 'client']],
  /** A task may cost so much at most; what it did cost; what is left of it. */
  reserve: [['client', 'reserved']],
  spend: [['reserved', 'burn']],
  refund: [
    ['reserved', 'client'],
    ['pledged', 'client'],
  ],
  /** A side of a dispute puts something at stake, which comes back unless it loses; and it has lost. */
  pledge: [['client', 'pledged']],
  forfeit: [['pledged', 'burn']],
  /** What was spent on an answer that does not hold. */
  repay: [['burn', 'client']],
} as const satisfies Record<string, readonly (readonly [AccountKind, AccountKind])[]>

export type TransferReason = keyof typeof moves

export interface Transfer {
  type: 'transfer'
  why: TransferReason
  from: string
  to: string
  /** A whole number above zero. */
  points: number
  /** Of the dispute or verdict, or what a person gave as the reason. */
  note?: string
}

export interface SeasonMove {
  type: 'season'
  season: string
  to: Exclude<SeasonState, 'open'>
  /** A reference of the payment. */
  note?: string
}

/** The key with which a scout signs what it answers; null when its operator takes that back. */
export interface Pin {
  type: 'pin'
  scout: string
  /** `ed25519:` and 43 characters. */
  key: string | null
  note?: string
}

export type LedgerEvent = Transfer | SeasonMove | Pin

/** What is wrong with an event by itself, as a clause; null when nothing is. */
export function eventFlaw(event: LedgerEvent): string | null {
  if (event.note !== undefined && (typeof event.note !== 'string' || event.note.length > ledgerNoteCharsMax)) {
    return `its note has more than ${ledgerNoteCharsMax} characters`
  }
  if (event.type === 'season') {
    if (readSeason(event.season) === null) return `${event.season} is no season`
    return seasonStates.includes(event.to) ? null : `${String(event.to)} is no state of a season`
  }
  if (event.type === 'pin') {
    const isKey = event.key === null || (typeof event.key === 'string' && keyIn(event.key) !== null)
    return typeof event.scout === 'string' && isKey ? null : 'it pins no key'
  }
  const { why, from, to, points } = event
  if (!Number.isSafeInteger(points) || points <= 0) return 'it moves no whole number of points above zero'
  const [source, target] = [kindOf(from), kindOf(to)]
  if (!accountKinds.includes(source) || !accountKinds.includes(target)) return 'it names no account'
  // Another hub may have written there whatever it wants.
  const pairs: readonly (readonly [AccountKind, AccountKind])[] = Object.hasOwn(moves, why) ? moves[why] : []
  const isLegal = pairs.some(([one, other]) => one === source && other === target)
  return isLegal ? null : `${String(why)} does not move points from ${source} to ${target}`
}

export function packEvent(event: LedgerEvent): Uint8Array {
  return Buffer.from(JSON.stringify(event))
}

/** The event of a leaf that is no receipt. */
export function readEvent(leaf: Uint8Array): LedgerEvent {
  return JSON.parse(Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).toString('utf8')) as LedgerEvent
}

/** The moves of points among the leaves of a batch, which are receipts or events, never both. */
export function transfersIn(leaves: readonly Uint8Array[]): Transfer[] {
  if (leaves.length === 0 || isReceipt(leaves[0]!)) return []
  return leaves.map(readEvent).filter((event) => event.type === 'transfer')
}

/** Whether this leaf is of a key with which a scout of this owner signs: what it signed is checked with that. */
export function isPinOf(leaf: Uint8Array, owner: string): boolean {
  const event = readEvent(leaf)
  return event.type === 'pin' && operatorOf(event.scout) === owner
}

/** What a person asked for, which may move points and seasons; null for anything else. */
export function readAsked(text: string): Transfer | SeasonMove | null {
  try {
    const event = JSON.parse(text) as LedgerEvent
    return event.type !== 'pin' && eventFlaw(event) === null ? event : null
  } catch {
    return null
  }
}
