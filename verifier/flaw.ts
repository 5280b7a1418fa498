/**
 * What a check found wrong. Thrown from wherever it is found, and caught by `ledger-check.ts`, which adds the line.
 */
export class Flaw extends Error {}

/** Fails with this sentence unless it holds. */
export function must(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new Flaw(otherwise())
}

/** The object that a JSON text is. */
export function objectOf(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Flaw('it is no JSON')
  }
  must(typeof value === 'object' && value !== null && !Array.isArray(value), () => 'it is no JSON object')
  return value as Record<string, unknown>
}
