/**
 * Reads what a log has under a pattern of subjects, in order and each message once, up to where the log ends now. What
 * a message means is up to whoever reads; one that cannot be taken now is read again with the next look.
 */
import type { LoggedMessage, SharedLog } from './log.ts'

interface LogReaderParts {
  log: Pick<SharedLog, 'last' | 'after'>
  pattern: string
  /** Up to where it was read before; 0 for nothing. */
  cursor: number
  /** Throws when the message has to be read again. */
  take: (message: LoggedMessage) => void
  isStopped: () => boolean
}

export class LogReader {
  private cursor: number

  constructor(private readonly parts: LogReaderParts) {
    this.cursor = parts.cursor
  }

  /** Messages from this number on are read again. */
  back(seq: number): void {
    this.cursor = Math.min(this.cursor, seq - 1)
  }

  /** Reads the log to its end; false when that is not sure. */
  async readOn(): Promise<boolean> {
    const { log, pattern, take, isStopped } = this.parts
    const end = await log.last(pattern)
    if (end === 'unsure') return false
    while (this.cursor < end) {
      const from = this.cursor
      const next = await log.after(pattern, from)
      if (next === 'unsure' || isStopped()) return false
      // It was taken back meanwhile.
      if (this.cursor !== from) continue
      take(next)
      this.cursor = next.seq
    }
    return true
  }
}
