/**
 * Checks one streamed answer of the stamped provider while it arrives: every chunk in its order, nothing missing,
 * the hash of the whole, and how much later than its provider sent it each chunk came. Whoever reads a connection
 * feeds it with bytes; `verdict` is there once the stream has ended.
 */

import type { Histogram } from './histogram.ts'
import { stampHash, stampPattern } from './stamps.ts'

export interface StreamTimes {
  /** From the request to the first content, less the provider's own time. */
  firstAdded: Histogram
  /** Between two pieces of content, less the provider's own time between them. */
  gapAdded: Histogram
}

export type Verdict = 'whole' | 'disordered' | 'wrongHash' | 'cut' | 'failed'

export class SseCheck {
  verdict: Verdict | null = null
  chunks = 0
  private text = ''
  private hash = 0
  private lastMs = 0
  private lastStampMs = 0

  constructor(
    private readonly sentMs: number,
    private readonly times: StreamTimes,
  ) {}

  push(bytes: Buffer, nowMs: number): void {
    this.text += bytes.toString('latin1')
    let from = 0
    for (;;) {
      const end = this.text.indexOf('\n\n', from)
      if (end < 0) break
      this.event(this.text.slice(from, end), nowMs)
      from = end + 2
    }
    if (from > 0) this.text = this.text.slice(from)
  }

  /** The connection or the answer is over. */
  end(): void {
    this.verdict ??= 'cut'
  }

  private event(event: string, nowMs: number): void {
    if (event === 'data: [DONE]') this.verdict ??= 'whole'
    else if (event.startsWith('data: {"error"')) this.verdict = 'failed'
    else if (event.startsWith('data: ')) this.content(event, nowMs)
  }

  private content(event: string, nowMs: number): void {
    const at = event.indexOf('"content":"')
    if (at < 0) return
    const content = event.slice(at + 11, event.indexOf('"', at + 11))
    if (content.startsWith('#')) {
      if (content !== `#${this.hash}`) this.verdict = 'wrongHash'
      return
    }
    const stamp = stampPattern.exec(content)
    if (stamp === null || Number(stamp[1]) !== this.chunks) {
      this.verdict = 'disordered'
      return
    }
    const stampMs = Number(stamp[2])
    if (this.chunks === 0) this.times.firstAdded.record(nowMs - this.sentMs - Number(stamp[3]))
    else this.times.gapAdded.record(nowMs - this.lastMs - (stampMs - this.lastStampMs))
    this.lastMs = nowMs
    this.lastStampMs = stampMs
    this.hash = stampHash(this.hash, content)
    this.chunks++
  }
}
