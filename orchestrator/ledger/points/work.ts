/**
 * What the hub counted of one task, and the points of it. Only what the hub itself saw counts: bytes of the prompt's
 * texts, media, and bytes of the answer that it forwarded or stored. What a provider reports is nowhere used. Pure; the
 * engine counts, receipts carry the result.
 */
import {
  bytesPerUnit,
  fillerBytesMin,
  fillerFactor,
  taskPointsMax,
  unitsPerMedium,
} from '../../../shared/limits/ledger/ledger.ts'
import type { ListPrice, Rules } from './rules.ts'

/** Units of a prompt with so many bytes of text, and images, sounds or files. */
export function promptUnitsOf(textBytes: number, media: number): number {
  return Math.ceil(Math.max(0, textBytes) / bytesPerUnit) + Math.max(0, media) * unitsPerMedium
}

/** Units of an answer, no more than the client allowed; `unitsMax` null for no limit. */
export function answerUnitsOf(textBytes: number, unitsMax: number | null): number {
  const units = Math.ceil(Math.max(0, textBytes) / bytesPerUnit)
  return unitsMax === null ? units : Math.min(units, Math.max(0, Math.floor(unitsMax)))
}

/** The bytes that count of a text which deflates to so many: filler counts by what is left of it. */
export function countedBytes(textBytes: number, deflatedBytes: number): number {
  if (textBytes < fillerBytesMin) return textBytes
  return Math.min(textBytes, fillerFactor * deflatedBytes)
}

/** Points of a task that earns: its list price in micro-dollars, one at least. */
export function pointsOf(price: ListPrice, promptUnits: number, answerUnits: number): number {
  // Products of whole numbers below 2^53 are exact; units that large are none.
  const points = Math.round((promptUnits * price.prompt + answerUnits * price.answer) / perUnits)
  return Math.min(taskPointsMax, Math.max(1, points))
}

const perUnits = 1_000_000

/** At which price a model is paid; one that is not listed by the cheapest row. */
export function paidPrice(rules: Rules, model: string): ListPrice {
  return rules.priceOf(model) ?? rules.unlisted
}
