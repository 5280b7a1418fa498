/**
 * What a leaf of another hub's chain says, if it is a receipt or an event at all. The hub that signed it may have put
 * anything there: its shape is looked at before it is read, and each value afterwards. Pure.
 */
import { foreignNameCharsMax } from '../../../shared/limits/cluster/ledger.ts'
import { beginFrame, readValue } from '../../../shared/protocol/read.ts'
import { scan } from '../../../shared/protocol/scan.ts'
import { dayOfReceipt } from '../accounts/earnings.ts'
import { eventFlaw, type LedgerEvent } from '../accounts/events.ts'
import { type Receipt, readReceipt } from '../receipts/receipt.ts'

/** A day beyond this one, in the year 2243, is a lie. */
const lastDay = 100_000

/** Values of a receipt, by its version. */
const valueCounts: readonly (number | undefined)[] = [undefined, 16, 19]

/** Null for what is no receipt. */
export function foreignReceipt(leaf: Uint8Array): Receipt | null {
  if (scan(leaf) !== null) return null
  const count = beginFrame(leaf)
  const version = readValue()
  if (typeof version !== 'number' || count === 0 || valueCounts[version] !== count) return null
  const receipt = readReceipt(leaf)
  const { task, attempt, atS, promptUnits, answerUnits, points, flags, kind } = receipt
  const { scout, model, provider, asker, home } = receipt
  const isCounted =
    [task, attempt, atS, promptUnits, answerUnits, points, flags].every(isCount) && isDay(dayOfReceipt(receipt))
  return isCounted && kind !== undefined && [scout, model, provider, asker, home].every(isName) ? receipt : null
}

/** Null for what is no event. */
export function foreignEvent(leaf: Uint8Array): LedgerEvent | null {
  const event = jsonIn(leaf)
  if (event === null) return null
  const { type, from, to, season, scout, note } = event
  if (note !== undefined && typeof note !== 'string') return null
  const isNamed =
    (type === 'season' && isName(season)) ||
    (type === 'transfer' && isAccount(from) && isAccount(to)) ||
    (type === 'pin' && isName(scout))
  return isNamed && eventFlaw(event as unknown as LedgerEvent) === null ? (event as unknown as LedgerEvent) : null
}

function jsonIn(leaf: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

/** The number of a day since 1970. */
export function isDay(day: number): boolean {
  return isCount(day) && day <= lastDay
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Accounts are named by parts with tabs between. */
function isAccount(value: unknown): boolean {
  return typeof value === 'string' && value.split('\t').every(isName)
}

function isName(value: unknown): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a name must not have.
  return typeof value === 'string' && value.length <= foreignNameCharsMax && !/[\u0000-\u001f]/.test(value)
}
