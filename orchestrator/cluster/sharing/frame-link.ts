/**
 * One side of a link between two hubs: what a socket is between hub and scout, made of messages that may be lost.
 * Frames of one turn of the loop travel together. A message that is missing, or that the bus does not take, ends the
 * link: the session above it is over, its tasks go elsewhere, and the side that serves opens another one.
 */
import { linkBatchBytesMax } from '../../../shared/limits/cluster/sharing.ts'
import type { System } from '../../../shared/system.ts'
import { type Batch, batchBytes, type Side } from './batch.ts'

export interface FrameLinkParts {
  system: Pick<System, 'soon'>
  side: Side
  link: number
  /** False when the message was not taken. */
  send: (payload: Uint8Array) => boolean
  onFrame: (frame: Uint8Array) => void
  /** The link is over, whoever ended it, and the other side may not know. Called once. */
  onEnd: (isKnown: boolean) => void
}

export class FrameLink {
  readonly link: number
  /** For the end of this turn. */
  private readonly queue: Uint8Array[] = []
  private queuedBytes = 0
  private sent = 0
  private received = 0
  private hasEnded = false
  private isDue = false

  constructor(private readonly parts: FrameLinkParts) {
    this.link = parts.link
  }

  get isOpen(): boolean {
    return !this.hasEnded
  }

  /** `frame` is not changed until the turn is over. */
  write(frame: Uint8Array): void {
    if (this.hasEnded) return
    this.queue.push(frame)
    this.queuedBytes += frame.length
    if (this.queuedBytes >= linkBatchBytesMax) return this.flush()
    if (this.isDue) return
    this.isDue = true
    this.parts.system.soon(() => {
      this.isDue = false
      this.flush()
    })
  }

  /** A batch of the other side, for this link. */
  receive({ seq, frames, isLast }: Batch): void {
    if (this.hasEnded) return
    // The other side knows of no such link any more, whatever it has received of it.
    if (isLast && frames.length === 0) return this.over(true)
    if (seq !== this.received) return this.end()
    this.received++
    for (const frame of frames) if (!this.hasEnded) this.parts.onFrame(frame)
    if (isLast) this.over(true)
  }

  /** Sends what waits and tells the other side. */
  end(): void {
    if (this.hasEnded) return
    this.over(this.put(true))
  }

  /** Tells nobody: the other side knows, or cannot be told. */
  over(isKnown: boolean): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.queue.length = 0
    this.queuedBytes = 0
    this.parts.onEnd(isKnown)
  }

  private flush(): void {
    if (this.hasEnded || this.queue.length === 0) return
    if (!this.put(false)) this.over(false)
  }

  private put(isLast: boolean): boolean {
    const { side: from, link, send } = this.parts
    const frames = this.queue.splice(0)
    this.queuedBytes = 0
    return send(batchBytes({ from, link, seq: this.sent++, isLast, frames }))
  }
}
