/**
 * Reads what a log has under a pattern of subjects, in order and each message once, up to where the log ends now. What
 * a message means is up to whoever reads; one that cannot be taken now is read again with the next look.
 */
import { after, type LoggedMessage, type SharedLog } from './log.ts'

interface LogReaderParts {
  log: Pick<SharedLog, 'last' | 'next'>
  pattern: string
  /** Up to where it was read before; 0 for nothing. */
  cursor: number
  /** Throws when the message has to be read again. */
  take: (message: LoggedMessage) => void | Promise<void>
  isStopped: () => boolean
}

export class LogReader {
  /** Up to where it was read. */
  cursor: number

  constructor(private readonly parts: LogReaderParts) {
    this.cursor = parts.cursor
  }

  /** Messages from this number on are read again. */
  back(seq: number): void {
    this.cursor = Math.min(this.cursor, seq - 1)
  }

  /** This number of the log is a message that need not be read; true where nothing unread stands before it. */
  pass(seq: number): boolean {
    if (seq !== this.cursor + 1) return false
    this.cursor = seq
    return true
  }

  /** Reads the log to its end; false when that is not sure. */
  async readOn(): Promise<boolean> {
    const { log, pattern } = this.parts
    const end = await log.last(pattern)
    if (end === 'unsure') return false
    while (this.cursor < end) {
      const from = this.cursor
      if (!(await this.takeNext(from, await after(log, pattern, from)))) return false
    }
    return true
  }

  /** Reads as much as the log shows, which may be less than there is and costs less to find; false as above. */
  async readShown(): Promise<boolean> {
    const { log, pattern } = this.parts
    for (;;) {
      const from = this.cursor
      const next = await log.next(pattern, from)
      if (next === null && this.cursor === from) return true
      if (next !== null && !(await this.takeNext(from, next))) return false
    }
  }

  /** `from`: where the reader stood when it asked. */
  private async takeNext(from: number, next: LoggedMessage | 'unsure'): Promise<boolean> {
    const { take, isStopped } = this.parts
    if (next === 'unsure' || isStopped()) return false
    // It was taken back meanwhile, or is while the message is taken.
    if (this.cursor !== from) return true
    await take(next)
    if (isStopped()) return false
    if (this.cursor === from) this.cursor = next.seq
    return true
  }
}
