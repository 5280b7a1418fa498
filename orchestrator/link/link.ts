/**
 * A link between two processes of one hub: what is sent within a turn of the loop leaves as one write at its end. What
 * the socket does not take at once waits in a bounded queue here. Both ends say that they are alive; silence, a queue
 * that does not move and a frame that cannot be read end the link, and whoever owns it learns why. The socket is a port
 * and time comes from the system, so that tests hold both.
 */
import { linkAliveMs, linkBatchBytes, linkQueueBytesMax, linkSilenceMs } from '../../shared/limits/process.ts'
import { standstillMs } from '../../shared/limits/wire.ts'
import type { System, Timer } from '../../shared/system.ts'
import { BatchCodec, type Posted } from './codec.ts'
import { FrameReader } from './frame-reader.ts'

/** The socket, as little of it as is needed. */
export interface LinkSocket {
  /** Bytes that were taken, which may be fewer; below zero when it is closed. */
  write(bytes: Uint8Array): number
  /** Closes at once; what was not taken is lost. */
  terminate(): void
}

interface LinkParts<In> {
  system: System
  socket: LinkSocket
  receive: (message: In, body: Uint8Array | null) => void
  /** Called once. `why`: a clause for the log. `isSilent`: the other end may be there and standing still. */
  ended: (why: string, isSilent: boolean) => void
}

export class Link<In, Out> {
  private batch: Posted<Out>[] = []
  private batchBytes = 0
  private scheduled = false
  /** Not taken by the socket yet; of the first one so many bytes were. */
  private queue: Uint8Array[] = []
  private taken = 0
  private queuedBytes = 0
  private readonly reader = new FrameReader()
  private readonly codec = new BatchCodec<In, Out>()
  private over = false
  private timer: Timer
  private dueMs: number
  private heardMs: number
  /** When the queue moved last, or was empty. */
  private movedMs: number
  private saidMs = Number.NEGATIVE_INFINITY

  constructor(private readonly parts: LinkParts<In>) {
    const nowMs = parts.system.nowMs()
    this.heardMs = nowMs
    this.movedMs = nowMs
    this.dueMs = nowMs + linkAliveMs
    this.timer = parts.system.after(linkAliveMs, this.look)
  }

  get isOver(): boolean {
    return this.over
  }

  /** Sends a message with its body at the end of the turn. Nothing happens once the link is over. */
  send(message: Out, body: Uint8Array | null = null): void {
    if (this.over) return
    this.batch.push({ message, body })
    if (body !== null) this.batchBytes += body.length
    if (this.batchBytes >= linkBatchBytes) return this.flush()
    if (this.scheduled) return
    this.scheduled = true
    this.parts.system.soon(this.endTurn)
  }

  private readonly endTurn = (): void => {
    this.scheduled = false
    if (this.batch.length > 0) this.flush()
  }

  /** Writes what this turn has gathered so far. */
  flush(): void {
    if (this.over) return
    const frame = this.codec.encode(this.batch)
    this.batch = []
    this.batchBytes = 0
    this.saidMs = this.parts.system.nowMs()
    this.queue.push(frame)
    this.queuedBytes += frame.length
    if (this.queuedBytes > linkQueueBytesMax) return this.end('too much waits for the process at the other end')
    // Behind others it waits for the socket to drain.
    if (this.queue.length === 1) this.pump()
  }

  private pump(): void {
    const { socket, system } = this.parts
    for (let frame = this.queue[0]; frame !== undefined; frame = this.queue[0]) {
      const written = socket.write(this.taken === 0 ? frame : frame.subarray(this.taken))
      if (written < 0) return this.end('the socket is closed')
      if (written > 0) this.movedMs = system.nowMs()
      this.taken += written
      this.queuedBytes -= written
      if (this.taken < frame.length) return
      this.queue.shift()
      this.taken = 0
    }
    this.movedMs = system.nowMs()
  }

  // ------------------------------------------------------------ from the socket

  received(piece: Uint8Array): void {
    if (this.over) return
    this.heardMs = this.parts.system.nowMs()
    const isSound = this.reader.read(piece, (frame) => this.take(frame))
    if (!isSound) this.end('the other end sent what is no frame')
  }

  private take(frame: Buffer): void {
    const batch = this.codec.decode(frame)
    if (typeof batch === 'string') return this.end(`the other end sent a bad frame: ${batch}`)
    for (const { message, body } of batch) {
      // A message may have ended it.
      if (this.over) return
      this.parts.receive(message, body)
    }
  }

  /** The socket takes more. */
  drained(): void {
    if (!this.over) this.pump()
  }

  closed(): void {
    this.end('the process at the other end is gone')
  }

  // ------------------------------------------------------------ time

  private readonly look = (): void => {
    const nowMs = this.parts.system.nowMs()
    // This process stood still: what the other end has said meanwhile is not read yet.
    if (nowMs - this.dueMs >= standstillMs) {
      this.heardMs = nowMs
      this.movedMs = nowMs
    }
    this.dueMs = nowMs + linkAliveMs
    if (nowMs - this.heardMs >= linkSilenceMs) return this.close('the process at the other end does not answer', true)
    if (this.queue.length > 0 && nowMs - this.movedMs >= linkSilenceMs) {
      return this.close('the process at the other end takes nothing', true)
    }
    this.timer = this.parts.system.after(linkAliveMs, this.look)
    // A batch without messages says it.
    if (nowMs - this.saidMs >= linkAliveMs) this.flush()
  }

  /** Ends it from this side. What was sent before is written as far as the socket takes it now. */
  end(why: string): void {
    this.close(why, false)
  }

  private close(why: string, isSilent: boolean): void {
    if (this.over) return
    this.over = true
    this.timer.cancel()
    this.parts.socket.terminate()
    this.parts.ended(why, isSilent)
  }
}
