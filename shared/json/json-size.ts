/**
 * How long a value's JSON is, before it is written: what is about to be built is refused when it would be too large.
 * Pure; the planner and the engine ask it about what clients and models sent.
 */

/** Characters of the value's JSON, those that escapes add left out. Counting ends where it passes `most`. */
export function jsonChars(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return value === undefined ? 4 : String(value).length
  let chars = 1
  if (Array.isArray(value)) {
    for (const one of value) {
      chars += 1 + jsonChars(one, most - chars)
      if (chars > most) return chars
    }
  } else {
    for (const key in value) {
      const one = (value as Record<string, unknown>)[key]
      if (one === undefined) continue
      chars += key.length + 4 + jsonChars(one, most - chars)
      if (chars > most) return chars
    }
  }
  return Math.max(2, chars)
}
