/**
 * Streams the answer of an intent as server-sent events, in whatever words its `Voice` has for it: chunks of a chat
 * completion, events of a response. Pull-style: what the client does not read stays with the engine. Progress of other
 * nodes travels as comments, so that every client can be followed by eye.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IntentEvent } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { AnswerWatch } from './answer-watch.ts'
import type { AnswerNews, IntentAnswer } from './intent-answer.ts'
import { brokenAnswer, StallTimer, streamed } from './pull-stream.ts'

/** How the parts of an answer are written down; each gives whole events, or an empty string. */
export interface Voice {
  opening(): string
  text(piece: string): string
  progress(event: IntentEvent): string
  done(): string
  failed(why: Fault): string
}

interface StreamOptions {
  answer: IntentAnswer
  voice: Voice
  /** The client left, or is given up. */
  onLeave: () => void
}

export function streamIntent(context: RequestContext, options: StreamOptions): Response {
  return streamed(context, new IntentStream(context, options))
}

class IntentStream {
  private state: 'opening' | 'flowing' | 'closed' = 'opening'
  private hasText = false
  private readonly watch: AnswerWatch
  private readonly stall: StallTimer

  constructor(
    private readonly context: RequestContext,
    private readonly options: StreamOptions,
  ) {
    const { edge, request } = context
    const { answer } = options
    const abandon = () => {
      answer.close()
      if (this.state !== 'closed') options.onLeave()
    }
    this.watch = new AnswerWatch({ readable: () => answer.readable(), abandon }, edge.system, request.signal)
    this.stall = new StallTimer(context, () => this.cancel())
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.stall.stop()
    let text: string | null
    try {
      text = await this.next()
    } catch (error) {
      text = this.broken(error)
    }
    if (text === null) return this.cancel()
    controller.enqueue(Buffer.from(text))
    if (this.ended()) controller.close()
    else this.stall.start()
  }

  cancel(): void {
    this.stall.stop()
    this.watch.leave()
    this.close(499)
  }

  private ended(): boolean {
    return this.state === 'closed'
  }

  private async next(): Promise<string | null> {
    if (this.state === 'opening') {
      this.state = 'flowing'
      return this.options.voice.opening() || ': planned\n\n'
    }
    for (;;) {
      if (this.ended()) return null
      const news = this.options.answer.take()
      const text = news === null ? '' : this.told(news)
      if (text !== '') return text
      if (news !== null) continue
      const sign = await this.watch.next(this.context.edge.settings.keepAliveMs)
      if (sign === 'timeUp') return ': keep-alive\n\n'
      if (sign === 'gone') return null
    }
  }

  private told({ text, progress, end }: AnswerNews): string {
    const { voice } = this.options
    let out = progress.map((event) => comment(event) + voice.progress(event)).join('')
    if (text !== '') {
      if (!this.hasText) this.context.firstByte()
      this.hasText = true
      out += voice.text(text)
    }
    if (end === null) return out
    this.close(200)
    this.watch.leave()
    return out + (end === 'done' ? voice.done() : voice.failed(end))
  }

  /** Null when the client has left meanwhile. */
  private broken(error: unknown): string | null {
    const why = brokenAnswer(this.context, error)
    this.watch.leave()
    if (this.ended()) return null
    this.close(500)
    return this.options.voice.failed(why)
  }

  private close(status: number): void {
    if (this.ended()) return
    this.state = 'closed'
    this.watch.end()
    this.stall.end()
    this.context.ended(status)
  }
}

/** What happened to a node, for people who look at the stream. Names of nodes are letters, digits, dots and hyphens. */
function comment({ type, data }: IntentEvent): string {
  const { node, state, nodes } = JSON.parse(data) as { node?: string; state?: string; nodes?: unknown[] }
  const what = [type.replace('task_', ''), node, state, type === 'task_grown' ? `by ${nodes?.length ?? 0}` : undefined]
  return `: ${what.filter((word) => word !== undefined).join(' ')}\n\n`
}
