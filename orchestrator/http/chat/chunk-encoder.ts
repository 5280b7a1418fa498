/**
 * A streamed chat completion as the content of a pull stream: the engine's lines become chunks without being decoded,
 * the first of them names who serves the answer, and `[DONE]` ends it. What the client does not read is not taken from
 * the engine, which in turn holds the scout back.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Answer, AnswerPart } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, costField, envelopedBytes, envelopeHead, writeEnvelope } from '../response/envelope.ts'
import { faultBody } from '../response/response.ts'
import { PullStream, type StreamContent } from '../streaming/pull-stream.ts'

const nothing = new Uint8Array(0)
const utf8 = new TextEncoder()
const bytesOf = (text: string) => utf8.encode(text)
const newline = 0x0a
/** Two line breaks end an event. */
const eventEndBytes = 2
const doneEvent = bytesOf('data: [DONE]\n\n')
const keepAlive = bytesOf(': keep-alive\n\n')

interface StreamOptions {
  withUsage: boolean
  /** Include the terms of the cost that chose the scout. */
  explains: boolean
}

/** Answers with the status of an early failure, else with the stream. */
export function streamAnswer(context: RequestContext, answer: Answer, options: StreamOptions): Promise<Response> {
  return new PullStream(context, new ChunkEncoder(context, answer, options)).respondWhenReady(earlyFault)
}

/** Of an answer that failed before it began. */
export function earlyFault({ lines, end }: AnswerPart): Fault | null {
  return end?.type === 'failed' && lines.length === 0 ? end.fault : null
}

class ChunkEncoder implements StreamContent<AnswerPart> {
  readonly name = 'streamed answer'
  /** The fields that open every chunk; null until the first line, which tells who serves. */
  private head: Uint8Array | null = null

  constructor(
    private readonly context: RequestContext,
    private readonly answer: Answer,
    private readonly options: StreamOptions,
  ) {}

  take(): AnswerPart | null {
    return this.answer.take()
  }

  onReadable(wake: () => void): void {
    this.answer.onReadable(wake)
  }

  isLast({ end }: AnswerPart): boolean {
    return end !== null
  }

  release(isComplete: boolean): void {
    if (!isComplete) this.answer.abandon()
  }

  opening(): null {
    return null
  }

  encode({ lines, end }: AnswerPart): Uint8Array | null {
    const isDone = end?.type === 'done'
    const last = isDone ? doneEvent : end === null ? nothing : errorEvent(end.fault, end.forwardedBytes)
    if (isDone && this.options.withUsage) return this.events([...lines, end.body], true, last)
    if (lines.length === 0) return last === nothing ? null : last
    return this.events(lines, false, last)
  }

  keepAlive(): Uint8Array {
    const before = this.answer.position()
    // People count from one: position 1 is next.
    return before === null ? keepAlive : bytesOf(`: waiting, position ${before + 1}\n\n`)
  }

  failure(why: Fault): Uint8Array {
    return errorEvent(why)
  }

  stalled(): Uint8Array {
    const text = 'Nothing was read from this stream for too long, so the answer was stopped: read faster, or ask again.'
    return errorEvent(fault('client_stalled', text))
  }

  /**
   * One event for each of these objects, and what is last behind them, in one piece: most often it is one token.
   * `hasUsage`: the last object is the one with the usage.
   */
  private events(objects: readonly Uint8Array[], hasUsage: boolean, last: Uint8Array): Uint8Array {
    const first = this.head ?? this.firstHead()
    const head = this.head!
    const isFirstAlone = objects.length === 1 && first !== head
    const final = isFirstAlone ? first : hasUsage ? this.headWithCost(head) : head
    let size = final.length - head.length + last.length
    if (objects.length > 1) size += first.length - head.length
    for (const object of objects) size += envelopedBytes(head.length, object) + eventEndBytes
    const bytes = new Uint8Array(size)
    let at = 0
    for (let index = 0; index < objects.length; index++) {
      const own = index === objects.length - 1 ? final : index === 0 ? first : head
      at = writeEnvelope(bytes, at, own, objects[index]!)
      bytes[at++] = newline
      bytes[at++] = newline
    }
    if (last.length > 0) bytes.set(last, at)
    return bytes
  }

  /** With the usage comes what the answer cost, if that is known. */
  private headWithCost(head: Uint8Array): Uint8Array {
    const { microDollars } = this.answer
    return microDollars === null ? head : Buffer.concat([head, bytesOf(costField(microDollars))])
  }

  /** The head of the first chunk, which alone says who serves; the one of the others is kept. */
  private firstHead(): Uint8Array {
    const head = `data: ${envelopeHead(this.answer, 'chat.completion.chunk')}`
    this.head = bytesOf(head)
    this.context.firstByte(this.answer.served)
    return bytesOf(head + chasmField(this.answer, this.options.explains))
  }
}

function errorEvent(why: Fault, forwardedBytes?: number): Uint8Array {
  const extra = forwardedBytes === undefined ? undefined : { forwarded_bytes: forwardedBytes }
  return bytesOf(`data: ${faultBody(why, extra)}\n\n`)
}
