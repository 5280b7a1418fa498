/**
 * The first thing that is wrong with a request on its way into another dialect. The mapping notes what it finds and
 * goes on with something harmless; its caller looks here once at the end.
 */
import { type Fault, fault, plainMessage } from '../../../../shared/faults.ts'

export type Json = Record<string, unknown>

export class Refusals {
  first: Fault | null = null

  /** `rule` completes a sentence that begins with the field's name. */
  add(param: string, rule: string): void {
    this.first ??= fault('invalid_request', plainMessage(`\`${param}\` ${rule}.`), { param: plainMessage(param) })
  }

  /** Notes the first field of `from` that is none of these; what is null counts as absent. */
  only(from: Json, known: ReadonlySet<string>, place: string): void {
    if (this.first !== null) return
    for (const field in from) {
      if (known.has(field) || (from[field] ?? null) === null) continue
      this.add(place === '' ? field : `${place}.${field}`, 'is not known here: remove it')
      return
    }
  }

  /** The text in a field that must have one. */
  text(from: Json, field: string, place: string): string {
    const value = from[field]
    if (typeof value === 'string') return value
    this.add(`${place}.${field}`, 'must be a string')
    return ''
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A list of objects; anything else is noted, and is none. */
export function objectsIn(list: unknown, place: string, refusals: Refusals): Json[] {
  if (!Array.isArray(list)) {
    refusals.add(place, 'must be a list of objects')
    return []
  }
  const odd = list.findIndex((item) => !isObject(item))
  if (odd < 0) return list
  refusals.add(`${place}[${odd}]`, 'must be an object')
  return []
}
