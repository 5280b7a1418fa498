/**
 * What was counted of one task that is over, from who carried its answer to the ledger: plain data without any text.
 * The desks count it, the ledger makes a receipt of it.
 */

import type { AnswerText } from '../../../../shared/answers/answer-hash.ts'
import type { Served, TaskKind } from '../../../../shared/task.ts'

/** What was counted of a request. */
export interface RequestCount {
  /** SHA-256 of the body that the scout got. */
  digest: Uint8Array
  /** Bytes of its texts that count. */
  textBytes: number
  /** Images, sounds and files. */
  media: number
  /** The same for requests with the same texts. */
  textsHash: number
  /** Units that all choices of the answer may have by the client's own limit; null without one. */
  answerUnitsMax: number | null
}

/** What was counted of an answer. */
export interface AnswerCount {
  /** Each text of each choice. */
  texts: readonly AnswerText[]
  /** Bytes of all of them that count. */
  textBytes: number
}

/** What a scout has signed of an attempt, which nobody has checked yet. */
export interface Signed {
  nonce: Uint8Array
  signature: Uint8Array
}

export interface WorkDone {
  task: number
  attempt: number
  kind: TaskKind
  served: Served
  /** Whose request it was. */
  tenant: string
  /** As which task another hub of the network knows it, for which it was done; empty for a client of this one. */
  asker: string
  request: RequestCount
  answer: AnswerCount
  /** The request names scouts or providers that alone may serve it. */
  isDirected: boolean
  /** A scout of this tenant held a request with the same texts. */
  isLoop: boolean
  /** The client left before the end. */
  isPartial: boolean
  /** It went on after what another scout had said. */
  isContinued: boolean
  /** Null when its scout has not signed it. */
  signed: Signed | null
}
