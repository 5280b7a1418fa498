/**
 * Responses that clients fetch, go on after and delete after they were answered. What is in them is the client edge's
 * form; the engine keeps the bytes as long as it keeps results.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Viewer } from './intents.ts'
import type { ResponseRow } from './store.ts'

export interface Responses {
  /** Resolves after the commit; false when the store cannot write, and then nothing is kept. */
  keep(response: ResponseRow): Promise<boolean>
  /** A tenant sees its own, an admin all. */
  find(id: string, viewer: Viewer): ResponseRow | undefined
  /** Resolves after the commit with null, or with why it cannot be written. Unknown ids are passed over. */
  forget(id: string): Promise<Fault | null>
}
