/**
 * Distinguishes a JSON object from the other values that JSON from outside may hold. The readers of requests, answers,
 * errors and lists of models all begin with it; what is in the fields each of them checks for itself.
 */

export type Json = Record<string, unknown>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
