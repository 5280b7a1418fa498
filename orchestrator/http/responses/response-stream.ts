/**
 * A streamed response as the content of a pull stream: lines of the engine's answer become events, and the last event
 * waits until the response is kept, so that a client that goes on after it finds it. What the client does not read is
 * not taken from the engine, as with a chat.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Answer, AnswerEnd, AnswerPart } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { servedAs } from '../response/envelope.ts'
import { PullStream, type StreamContent } from '../streaming/pull-stream.ts'
import { doneMark } from './durable-view.ts'
import { EventWriter } from './events/event-writer.ts'
import { type Beginning, errorFields, ResponseAnswer } from './events/response-answer.ts'

type Json = Record<string, unknown>

interface StreamOptions {
  beginning: Beginning
  /** Include the terms of the cost that chose the scout. */
  explains: boolean
  /** Keeps the whole response; resolves with whether it could. Called only when it is to be kept. */
  keep: (response: Json) => Promise<boolean>
}

/** Answers with the status of an early failure, else with the stream. */
export function streamResponse(context: RequestContext, answer: Answer, options: StreamOptions): Promise<Response> {
  return new PullStream(context, new ResponseContent(context, answer, options)).respondWhenReady(earlyFault)
}

/** Of an answer that failed before it began. */
function earlyFault({ lines, end }: AnswerPart): Fault | null {
  return end?.type === 'failed' && lines.length === 0 ? end.fault : null
}

/**
 * | phase   | entered when                  | left by                        |
 * |---------|-------------------------------|--------------------------------|
 * | flowing | the stream is made            | the end of the answer          |
 * | keeping | it is done, and is to be kept | the commit, or that there is none |
 * | over    | nothing is waited for         |                                |
 */
type Phase = 'flowing' | 'keeping' | 'over'

class ResponseContent implements StreamContent<AnswerPart> {
  readonly name = 'streamed response'
  private readonly writer = new EventWriter('single')
  private readonly made: ResponseAnswer
  private phase: Phase = 'flowing'
  private hasContent = false
  /** Of a response that is to be kept, from its end on. */
  private end: AnswerEnd | null = null
  private keeping: Promise<void> = Promise.resolve()
  private isStored = false

  constructor(
    private readonly context: RequestContext,
    private readonly answer: Answer,
    private readonly options: StreamOptions,
  ) {
    this.made = new ResponseAnswer(options.beginning, this.writer.emit)
  }

  take(): AnswerPart | null {
    if (this.phase === 'keeping') return null
    if (this.end !== null) return { lines: [], end: this.end }
    const part = this.answer.take()
    if (part?.end?.type !== 'done' || !this.options.beginning.store) return part
    // Its last event follows once it is kept.
    this.end = part.end
    this.phase = 'keeping'
    return { lines: part.lines, end: null }
  }

  onReadable(wake: () => void, fail: (error: unknown) => void): void {
    if (this.phase === 'keeping') this.keeping.then(wake, fail)
    else this.answer.onReadable(wake)
  }

  isLast({ end }: AnswerPart): boolean {
    return end !== null
  }

  release(isComplete: boolean): void {
    if (!isComplete) this.answer.abandon()
  }

  opening(): Uint8Array {
    this.made.open(this.answer.served?.model)
    return Buffer.from(this.writer.take())
  }

  encode({ lines, end }: AnswerPart): Uint8Array | null {
    if (lines.length > 0 && !this.hasContent) {
      this.hasContent = true
      this.context.firstByte(this.answer.served)
    }
    for (const line of lines) this.made.add(parsed(line))
    if (this.phase === 'keeping') this.keep()
    let mark = ''
    if (end !== null) {
      this.finish(end)
      mark = doneMark
    }
    const text = this.writer.take() + mark
    return text === '' ? null : Buffer.from(text)
  }

  keepAlive(): Uint8Array {
    const before = this.answer.position()
    // People count from one: position 1 is next.
    return Buffer.from(before === null ? ': keep-alive\n\n' : `: waiting, position ${before + 1}\n\n`)
  }

  failure(why: Fault): Uint8Array {
    this.writer.emit('error', errorFields(why))
    return Buffer.from(this.writer.take() + doneMark)
  }

  stalled(): Uint8Array {
    const text = 'Nothing was read from this stream for too long, so the answer was stopped: read faster, or ask again.'
    return this.failure(fault('client_stalled', text))
  }

  private keep(): void {
    this.complete(this.end!)
    const done = (isStored: boolean) => {
      this.isStored = isStored
      this.phase = 'over'
    }
    this.keeping = this.options.keep(this.ended(true)).then(done, () => done(false))
  }

  private finish(end: AnswerEnd): void {
    if (end.type === 'failed') {
      this.made.fail(end.fault, this.answer.served === null ? {} : this.ending())
      return
    }
    if (this.end === null) this.complete(end)
    this.made.finish(this.ended(this.isStored))
  }

  private complete(end: AnswerEnd): void {
    if (end.type === 'done') this.made.add(parsed(end.body))
    this.made.close()
  }

  private ended(isStored: boolean): Json {
    return this.made.ended(this.ending(), isStored)
  }

  private ending() {
    const { answer, context, options } = this
    const atSeconds = Math.floor(context.edge.system.wallMs() / 1000)
    return { atSeconds, model: answer.served?.model, chasm: servedAs(answer, options.explains) }
  }
}

function parsed(bytes: Uint8Array): Json {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as Json
}
