/**
 * Where log lines go: a descriptor that may be a pipe whose reader has stopped, or a terminal that was paused. Writing
 * never blocks the loop: what does not fit now waits within a bound, what is beyond it is dropped and counted, and the
 * count is logged once there is room. A reader that is gone for good is not written to any more.
 */
import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { logBacklogBytesMax, logRetryMs, logStuckMs } from './limits/process.ts'
import type { System } from './system.ts'

/** The line that says how many were dropped. */
export type DroppedLine = (count: number) => string

/** What one try to write came to: so many bytes, nothing now, or nothing ever. */
type Wrote = number | 'later' | 'never'

export class LogWriter {
  private readonly waiting: Buffer[] = []
  private waitingBytes = 0
  private dropped = 0
  private isGone = false
  private isRetrying = false
  /** A write by another thread is under way since then; null for none. Only where the descriptor itself may block. */
  private sentMs: number | null = null
  /** A descriptor whose writes return at once; null where there is none. */
  private readonly quick: number | null

  constructor(
    private readonly fd: number,
    private readonly system: System,
    private readonly droppedLine: DroppedLine,
  ) {
    this.quick = quickDescriptor(fd)
  }

  write(line: string): void {
    if (this.isGone) return
    const bytes = Buffer.from(line)
    if (this.waitingBytes + bytes.length > logBacklogBytesMax) {
      this.dropped++
      return
    }
    this.waiting.push(bytes)
    this.waitingBytes += bytes.length
    if (!this.isRetrying && this.sentMs === null) this.pump()
  }

  /** The process ends: what waits is written, unless nobody reads. */
  end(): void {
    const isStuck = this.sentMs !== null && this.system.nowMs() - this.sentMs > logStuckMs
    if (this.isGone || isStuck || this.isRetrying) return
    for (const bytes of this.waiting.splice(0)) this.tryWrite(bytes)
  }

  private pump(): void {
    while (this.waiting.length > 0) {
      if (this.quick === null) return this.send(this.waiting[0]!)
      const wrote = this.tryWrite(this.waiting[0]!)
      if (wrote === 'never') return this.giveUp()
      if (wrote === 'later') return this.retry()
      this.took(wrote)
    }
  }

  private tryWrite(bytes: Buffer): Wrote {
    try {
      return writeSync(this.quick ?? this.fd, bytes)
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** By another thread, which may wait in this one's place. */
  private send(bytes: Buffer): void {
    this.sentMs = this.system.nowMs()
    write(this.fd, bytes, (error, count) => {
      this.sentMs = null
      const wrote = error === null ? count : outcomeOf(error)
      if (wrote === 'never') return this.giveUp()
      if (wrote === 'later') return this.retry()
      this.took(wrote)
      this.pump()
    })
  }

  private retry(): void {
    this.isRetrying = true
    this.system.after(logRetryMs, () => {
      this.isRetrying = false
      this.pump()
    })
  }

  private took(count: number): void {
    const [first] = this.waiting
    this.waitingBytes -= count
    if (count < first!.length) this.waiting[0] = first!.subarray(count)
    else this.waiting.shift()
    if (this.dropped === 0 || this.waitingBytes > 0) return
    const line = Buffer.from(this.droppedLine(this.dropped))
    this.dropped = 0
    this.waiting.push(line)
    this.waitingBytes += line.length
  }

  private giveUp(): void {
    this.isGone = true
    this.waiting.length = 0
    this.waitingBytes = 0
    if (this.quick !== null) closeSync(this.quick)
  }
}

function outcomeOf(error: unknown): Wrote {
  const { code } = error as { code?: unknown }
  return code === 'EAGAIN' || code === 'EINTR' ? 'later' : 'never'
}

/**
 * The same file, opened once more so that its writes never wait: the flag would otherwise be set for every process that
 * shares the descriptor. A socket cannot be opened again, and a file on a disk never waits.
 */
function quickDescriptor(fd: number): number | null {
  try {
    if (fstatSync(fd).isFile()) return fd
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return null
  }
}
