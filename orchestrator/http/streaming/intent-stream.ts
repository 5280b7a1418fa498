/**
 * The answer of an intent as the content of a pull stream, in the form that an `AnswerEncoder` gives it: chunks of a
 * chat completion, events of a response. Progress of other nodes travels as comments, so that people can follow every
 * stream. `intent-answer.ts` feeds it; virtual models and responses own the encoders.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IntentEvent } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import type { AnswerUpdate, IntentAnswer, ResultMessage } from './intent-answer.ts'
import { PullStream, type StreamContent } from './pull-stream.ts'

/** The form of an answer's parts; each method returns whole events, or an empty string. */
export interface AnswerEncoder {
  opening(): string
  text(piece: string): string
  progress(event: IntentEvent): string
  /** Before the first text. */
  reasoning(text: string): string
  done(result: ResultMessage): string
  failed(why: Fault): string
}

interface StreamOptions {
  answer: IntentAnswer
  encoder: AnswerEncoder
  /** The client left, or is given up. */
  onLeave: () => void
  /** Nothing more is given out. */
  onEnd?: () => void
}

const keepAlive = Buffer.from(': keep-alive\n\n')

export function streamIntent(context: RequestContext, options: StreamOptions): Response {
  return new PullStream(context, new IntentContent(context, options)).respond()
}

class IntentContent implements StreamContent<AnswerUpdate> {
  readonly name = 'streamed answer'
  private hasText = false

  constructor(
    private readonly context: RequestContext,
    private readonly options: StreamOptions,
  ) {}

  take(): AnswerUpdate | null {
    return this.options.answer.take()
  }

  onReadable(wake: () => void, fail: (error: unknown) => void): void {
    this.options.answer.readable().then(wake, fail)
  }

  isLast({ end }: AnswerUpdate): boolean {
    return end !== null
  }

  release(isComplete: boolean): void {
    this.options.answer.close()
    if (!isComplete) this.options.onLeave()
    this.options.onEnd?.()
  }

  opening(): Uint8Array {
    return Buffer.from(this.options.encoder.opening() || ': planned\n\n')
  }

  encode({ reasoning, text, progress, end }: AnswerUpdate): Uint8Array | null {
    const { encoder } = this.options
    let out = ''
    for (const event of progress) out += comment(event) + encoder.progress(event)
    if (reasoning !== '') out += encoder.reasoning(reasoning)
    if (text !== '') {
      if (!this.hasText) this.context.firstByte()
      this.hasText = true
      out += encoder.text(text)
    }
    if (end !== null) out += end === 'done' ? encoder.done(this.options.answer.result()) : encoder.failed(end)
    return out === '' ? null : Buffer.from(out)
  }

  keepAlive(): Uint8Array {
    return keepAlive
  }

  failure(why: Fault): Uint8Array {
    return Buffer.from(this.options.encoder.failed(why))
  }

  stalled(): null {
    return null
  }
}

/** What happened to a node, for people who look at the stream. Names of nodes are letters, digits, dots and hyphens. */
function comment({ type, data }: IntentEvent): string {
  const { node, state, nodes } = JSON.parse(data) as { node?: string; state?: string; nodes?: unknown[] }
  const what = [type.replace('task_', ''), node, state, type === 'task_grown' ? `by ${nodes?.length ?? 0}` : undefined]
  return `: ${what.filter((word) => word !== undefined).join(' ')}\n\n`
}
