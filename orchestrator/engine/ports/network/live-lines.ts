/**
 * Lines of answers in progress, between the hub that has an intent and one whose clients follow it there: what is asked
 * for and what is found. Whoever asks names what it has, so that a question or an answer that is lost costs nothing but
 * time, and nobody sends what nobody takes.
 */

/** The lines of one attempt, as far as they are known. */
interface KnownLines {
  node: string
  attempt: number
  /** How many. */
  lines: number
}

export interface LinesAsked {
  intent: string
  /** Number of the last event that is known. */
  seq: number
  /** Of attempts in progress; of all others nothing is known. */
  known: KnownLines[]
  /** Whether to wait for something new; else the answer comes at once. */
  waits: boolean
}

export interface NewLines {
  node: string
  attempt: number
  /** The place of the first one. */
  from: number
  /** JSON objects without line breaks. */
  lines: string[]
}

export interface LinesFound {
  /** False: the hub that was asked does not work on the intent, or on too much else. */
  isHere: boolean
  /** Whether there are events beyond the one that was named. */
  hasEvents: boolean
  parts: NewLines[]
}
