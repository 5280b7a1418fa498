/**
 * What an item of a response's output knows of the list it stands in: the response, its place, and who is told of its
 * steps.
 */
type Json = Record<string, unknown>

/** Told of each step as the API's event of it; `delta` is set for the pieces of a growing text. */
export type Emit = (type: string, fields: Json, delta?: string) => void

export interface Slot {
  readonly response: string
  readonly place: number
  readonly emit: Emit
}

export type ItemStatus = 'completed' | 'incomplete'
