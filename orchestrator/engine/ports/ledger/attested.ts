/**
 * What the ledger can say of one answer to whoever disputes it, without having kept a word of it: which scout gave it,
 * and whether texts that are shown are those of its receipt.
 */
import type { TaskKind } from '../../../../shared/task.ts'
import type { Steps } from '../../../../shared/turn-lane.ts'

/** What a receipt says. */
export interface Attested {
  kind: TaskKind
  scout: string
  model: string
  provider: string
  /** Milliseconds since 1970. */
  atMs: number
  points: number
  /** The client left before the end; it went on after what another scout had said. */
  isPartial: boolean
  isContinued: boolean
}

/** A request as the scout got it, and its answer as JSON with `choices`. */
export interface ShownTexts {
  request: Uint8Array
  answer: Uint8Array
}

export interface LedgerWitness {
  /** The receipt of this task, if it was this client's request and is sealed. */
  attested(task: number, tenant: string): Attested | undefined
  /** Which of the texts is not the one of the receipt; null when both are. */
  misfit(task: number, shown: ShownTexts): 'request' | 'answer' | null
  /**
   * Whether this scout gave the very same long text to another client's other request lately, and nobody else gave it.
   * Looks through the newest receipts, some in each step.
   */
  repeats(task: number, shown: ShownTexts): Steps<boolean>
}
