/**
 * Responses that clients fetch, go on after and delete after they were answered. What is in them is the client edge's
 * form; the engine keeps the bytes as long as it keeps results.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Viewer } from './intents.ts'

export interface KeptResponse {
  /** `resp_…`. */
  id: string
  tenant: string
  /** Milliseconds since 1970. */
  createdMs: number
  /** What was asked for, as JSON. */
  request: Uint8Array
  /** The whole answer, as JSON; null for one that an intent makes. */
  answer: Uint8Array | null
  /** That intent, with which the response goes; null for an answer that is whole already. */
  intent: string | null
}

export interface Responses {
  /** Resolves after the commit; false when the store cannot write, and then nothing is kept. */
  keep(response: KeptResponse): Promise<boolean>
  /** A tenant sees its own, an admin all. */
  find(id: string, viewer: Viewer): KeptResponse | undefined
  /** Resolves after the commit with null, or with why it cannot be written. Unknown ids are passed over. */
  forget(id: string): Promise<Fault | null>
}
