/**
 * The number that an answer to a numeric question ends with. Models wrap it in words, digits in groups, and currency;
 * the last number of the text counts, as people read it. Pure, one pass over a bounded end of a stranger's text.
 */
import { comparedCharsMax } from '../../../shared/limits/trust/audits.ts'

/** null where the text has none. */
export function finalNumber(text: string): number | null {
  const end = text.slice(-comparedCharsMax)
  // Each alternative begins with a digit and they cannot match the same beginning twice: linear time.
  const found = end.match(/-?\d[\d,]*(?:\.\d+)?/g)
  const last = found?.at(-1)
  if (last === undefined) return null
  const value = Number(last.replaceAll(',', ''))
  return Number.isFinite(value) ? value : null
}
