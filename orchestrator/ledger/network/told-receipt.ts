/**
 * What the network counts of a receipt, read from where it stands in its batch: each hub reads every receipt of all
 * others. Receipts of the usual form are read here in one pass, which makes nothing but names that were not read
 * lately; `foreign-leaf.ts` judges whatever has another form, and both say the same of the same bytes. Pure.
 */
import { foreignNameCharsMax } from '../../../shared/limits/cluster/ledger.ts'
import { KeptStrings } from '../../../shared/protocol/read.ts'
import { taskKinds } from '../../../shared/task.ts'
import { dayOfReceipt } from '../accounts/earnings.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { foreignReceipt, isDay } from './foreign-leaf.ts'

export type ToldReceipt = Pick<
  Receipt,
  'task' | 'attempt' | 'atS' | 'scout' | 'model' | 'promptUnits' | 'answerUnits' | 'points' | 'flags' | 'asker' | 'home'
>

/** Given out again and again. */
const told: ToldReceipt = {
  ...{ task: 0, attempt: 0, atS: 0, scout: '', model: '', promptUnits: 0, answerUnits: 0, points: 0, flags: 0 },
  ...{ asker: '', home: '' },
}

/** Nineteen values, as version 2 has them. */
const head = [0xdd, 0, 0, 0, 19, 2]

/**
 * Good until the next one is read; null for what is no receipt. `readUnusual`: where it has another form than most,
 * from bytes that may be anything.
 */
export function toldReceipt(
  packed: Uint8Array,
  from: number,
  to: number,
  readUnusual: (leaf: Uint8Array) => ToldReceipt | null = foreignReceipt,
): ToldReceipt | null {
  bytes = packed
  at = from
  end = to
  isUsual = true
  return readUsual() ? told : readUnusual(packed.subarray(from, to))
}

/** The receipt under way: it is read in one go. */
let bytes: Uint8Array = new Uint8Array(0)
let at = 0
let end = 0
let isUsual = true

function readUsual(): boolean {
  for (const byte of head) if (bytes[at++] !== byte) return false
  told.task = count()
  told.attempt = count()
  told.atS = count()
  told.scout = name()
  // Whose scout and whose request it was is said by tags that only their hub can read.
  skipBytes()
  skipBytes()
  if (count() >= taskKinds.length) return false
  told.model = name()
  // Who answered, and with what, is for whoever asks for the receipt.
  name()
  skipBytes()
  skipBytes()
  told.promptUnits = count()
  told.answerUnits = count()
  told.points = count()
  told.flags = count()
  told.asker = name()
  told.home = name()
  if (bytes[at] === 0xc0) at++
  else skipBytes()
  return isUsual && at === end && isDay(dayOfReceipt(told))
}

/** Nothing of it is used: the receipt is read in the other way. */
function unusual(): 0 {
  isUsual = false
  at = end
  return 0
}

const float64 = new Float64Array(1)
const turned = new Uint8Array(float64.buffer)

function count(): number {
  const tag = bytes[at++]!
  if (tag < 0x80) return tag
  const width = tag === 0xcb ? 8 : tag >= 0xcc && tag <= 0xce ? 1 << (tag - 0xcc) : unusual()
  if (at + width > end) return unusual()
  if (width === 8) {
    for (let i = 7; i >= 0; i--) turned[i] = bytes[at++]!
    const value = float64[0]!
    return Number.isSafeInteger(value) && value >= 0 ? value : unusual()
  }
  let value = 0
  for (let i = 0; i < width; i++) value = value * 0x100 + bytes[at++]!
  return value
}

function skipBytes(): void {
  if (bytes[at] !== 0xc4 || at + 1 >= end) unusual()
  else at += 2 + bytes[at + 1]!
}

/** Batches have the same few again and again. */
const names = new KeptStrings(1_024)

/** Of printable ASCII. */
function name(): string {
  const tag = bytes[at++]!
  if (tag === 0xa0) return ''
  const length = tag > 0xa0 && tag < 0xc0 ? tag & 0x1f : tag === 0xd9 ? bytes[at++]! : unusual()
  const start = at
  at += length
  if (length === 0 || length > foreignNameCharsMax || at > end || !isPrintable(start, at)) {
    unusual()
    return ''
  }
  return names.at(bytes, start, length)
}

function isPrintable(from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! < 0x20 || bytes[i]! > 0x7e) return false
  return true
}
