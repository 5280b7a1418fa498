/**
 * What the memory adapter keeps where a file would be: it outlives the store that writes to it, so a crash is a store
 * that is dropped, and a restart is another one on the same disk. Rows are replaced, never changed in place, and
 * each replacement records how to undo it.
 */
import type { AccountRow, AuditRow, KeyRow, LoginLinkRow, SessionRow } from '../../engine/ports/account-store.ts'
import type { BalanceRow, BatchRow, ReceiptPlace } from '../../engine/ports/ledger/ledger-store.ts'
import type { SharedRow } from '../../engine/ports/network/shared-keys.ts'
import type {
  EventRow,
  IdempotencyRow,
  IntentDeaths,
  IntentRow,
  ResponseRow,
  TaskRow,
  UsageRow,
  UsageSum,
} from '../../engine/ports/store.ts'
import type { DisputeRow } from '../../engine/ports/trust/dispute-store.ts'
import type { TrustMemoryRow, TrustRow } from '../../engine/ports/trust/trust-store.ts'
import type { HistoryRow, ServedDay, UsagePoint } from '../../engine/ports/usage.ts'
import type { Earning } from '../../ledger/accounts/earnings.ts'
import type { SeasonRow } from '../../ledger/accounts/projector.ts'

export interface StoredTask {
  row: TaskRow
  request: Uint8Array
  result: Uint8Array | null
}

export interface StoredIntent {
  row: IntentRow
  tasks: StoredTask[]
  /** Event n stands at n - 1. */
  events: EventRow[]
}

export class MemoryDisk {
  epoch = 0
  /** By id, oldest first, as every map here keeps the order of arrival. */
  keys = new Map<string, KeyRow>()
  accounts = new Map<string, AccountRow>()
  /** By digest. */
  sessions = new Map<string, SessionRow>()
  loginLinks = new Map<string, LoginLinkRow>()
  audit: AuditRow[] = []
  lastAudit = 0
  settings = new Map<string, string>()
  /** What a network knows of its keys and accounts, by id; and what this hub's own keys are known by there. */
  shared = new Map<string, SharedRow>()
  keyPrints = new Map<string, string>()
  intents = new Map<string, StoredIntent>()
  tasks = new Map<number, StoredTask>()
  /** By tasks that have not come. */
  requestsAhead = new Map<number, Uint8Array>()
  /** Bookings by task; a forgotten one leaves only its part of the sum. */
  bookings = new Map<number, UsageRow>()
  /** By `usageKey`. */
  usageSums = new Map<string, UsageSum>()
  usageHours = new Map<string, UsagePoint>()
  usageDays = new Map<string, UsagePoint>()
  /** By slot. */
  history = new Map<number, HistoryRow>()
  servedDays = new Map<string, ServedDay & { scout: string }>()
  /** By scout and model. */
  trust = new Map<string, TrustRow>()
  trustMemory = new Map<string, TrustMemoryRow>()
  /** By id. */
  disputes = new Map<string, DisputeRow>()
  disputeTexts = new Map<string, Uint8Array>()
  /** By `idempotencyKey`. */
  idempotency = new Map<string, IdempotencyRow>()
  responses = new Map<string, ResponseRow>()
  /** Batch n of the ledger stands at n - 1. */
  batches: BatchRow[] = []
  /** By task. */
  receiptPlaces = new Map<number, ReceiptPlace>()
  earned = new Map<number, Uint8Array>()
  asked = new Map<number, string>()
  lastAsked = 0
  /** By hash. */
  rules = new Map<string, string>()
  /** By scout. */
  pins = new Map<string, Uint8Array>()
  /** Up to which batch these are. */
  projected = 0
  written = 0
  /** Up to which batch receipts are forgotten. */
  forgotten = 0
  balances = new Map<string, BalanceRow>()
  earnings = new Map<string, { earning: Earning; upTo: number }>()
  seasons = new Map<string, SeasonRow>()
  /** How often the process died under an intent, by its id. */
  suspects = new Map<string, number>()
  /** What the process that writes here works on now, or worked on when it died. */
  inHand: string | null = null
  owedDeaths: readonly IntentDeaths[] = []
  /** Rows of usage that were left out. */
  unbooked = 0
  /** Of every store that writes here. */
  commits = 0
  /** Backups by the path that was asked for. */
  readonly copies = new Map<string, MemoryDisk>()

  /** Everything that is here now, on a disk of its own; without the backups. */
  copy(): MemoryDisk {
    const other = new MemoryDisk()
    const { epoch, keys, accounts, sessions, loginLinks, audit, lastAudit, settings } = this
    const { shared, keyPrints } = this
    const { intents, tasks, bookings, usageSums, idempotency, responses, suspects } = this
    const owners = { epoch, keys, accounts, sessions, loginLinks, audit, lastAudit, settings }
    const { usageHours, usageDays, history, servedDays, requestsAhead } = this
    const { trust, trustMemory, disputes, disputeTexts } = this
    const judged = { trust, trustMemory, disputes, disputeTexts }
    const usage = { ...judged, bookings, usageSums, usageHours, usageDays, history, servedDays }
    const { batches, receiptPlaces, earned, asked, lastAsked, rules, pins } = this
    const { projected, written, forgotten, balances, earnings, seasons } = this
    const chain = { batches, receiptPlaces, earned, asked, lastAsked, rules, pins }
    const ledger = { ...chain, projected, written, forgotten, balances, earnings, seasons }
    const work = { intents, tasks, requestsAhead, ...usage, idempotency, responses, suspects }
    // In one piece: what both maps of tasks hold is the same task.
    return Object.assign(other, structuredClone({ ...owners, shared, keyPrints, ...work, ...ledger }))
  }
}

export function usageKey({ tenant, model }: { tenant: string; model: string }): string {
  return JSON.stringify([tenant, model])
}

export function idempotencyKey(of: { tenant: string; route: string; key: string }): string {
  return JSON.stringify([of.tenant, of.route, of.key])
}

/** A copy that shares no bytes with the row it was made of. */
export function copyTask(row: TaskRow): TaskRow {
  return { ...row, nonce: row.nonce && copyBytes(row.nonce) }
}

export function copyIdempotency(row: IdempotencyRow): IdempotencyRow {
  return { ...row, answer: row.answer && copyBytes(row.answer) }
}

export function copyResponse(row: ResponseRow): ResponseRow {
  return { ...row, request: copyBytes(row.request), answer: row.answer && copyBytes(row.answer) }
}

/** A real copy: the `slice` of a Buffer would share its memory. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
