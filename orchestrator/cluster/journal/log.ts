/**
 * Where hubs keep what all of them must be able to read: subjects with messages in the order in which they were
 * appended, each numbered by the log. An append names the number that its subject ends with, and does not happen when
 * that is not so: whoever has not seen the last message cannot append. Nothing that comes out of it is believed for
 * having been in it. `nats-log.ts` is the adapter for JetStream.
 */

/**
 * `conflict`: the subject ends with another message than was named. `full`: there is no room. `unsure`: there was no
 * answer, so that it may or may not be there, now or a little later.
 */
export type Appended = { seq: number } | 'conflict' | 'full' | 'unsure'

/** `end`: the number of the last message of the whole log then; what is listed may be newer, and is never older. */
export interface Listing {
  subjects: string[]
  end: number
}

export interface LoggedMessage {
  subject: string
  seq: number
  message: Uint8Array
}

export interface SharedLog {
  /** Why it cannot be reached, as a clause; null while it can. */
  readonly apart: string | null
  /** Calls back when that changes. One listener. */
  onState(listener: () => void): void
  /** To be called when the bus to the same servers is connected, or is not any more. */
  follow(): void
  /** `last`: the number of the subject's last message; 0 for none. */
  append(subject: string, message: Uint8Array, last: number): Promise<Appended>
  /**
   * The number with which a subject, or all that fit a pattern, end; 0 when there is none. Right after a server has
   * taken the lead it may not show what was appended just before; what it appends then is behind all of that.
   */
  last(subject: string): Promise<number | 'unsure'>
  /**
   * The first message of it behind this number; null where nothing is shown there. Whichever server is near answers,
   * and may lag behind what `last` shows.
   */
  next(subject: string, seq: number): Promise<LoggedMessage | null | 'unsure'>
  /** Subjects that fit a pattern, at most so many; `*` stands for one word. It may lag as `last` does. */
  subjects(pattern: string, limit: number): Promise<Listing | 'unsure'>
  /** Removes all messages of a subject or a pattern, up to this number; false when that is not sure, now or later. */
  erase(subject: string, upTo?: number): Promise<boolean>
  /** The share of its room that is filled, 0 to 1. */
  filled(): Promise<number | 'unsure'>
}

/** The first message behind this number, to be asked for what is known to be there. */
export async function after(
  log: Pick<SharedLog, 'next'>,
  subject: string,
  seq: number,
): Promise<LoggedMessage | 'unsure'> {
  return (await log.next(subject, seq)) ?? 'unsure'
}
