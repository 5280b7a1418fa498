/**
 * A streamed chat completion as the content of a pull stream: the engine's lines become chunks without being decoded,
 * the first of them names who serves the answer, and `[DONE]` ends it. What the client does not read is not taken from
 * the engine, which in turn holds the scout back.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Answer, AnswerPart } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, costField, envelop, envelopeHead } from '../response/envelope.ts'
import { faultBody } from '../response/response.ts'
import { PullStream, type StreamContent } from '../streaming/pull-stream.ts'

const utf8 = new TextEncoder()
const bytesOf = (text: string) => utf8.encode(text)
const eventEnd = bytesOf('\n\n')
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

  readable(): Promise<void> {
    return this.answer.readable()
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
    const pieces: Uint8Array[] = []
    for (const line of lines) this.chunk(pieces, line)
    if (end?.type === 'done') {
      if (this.options.withUsage) this.lastChunk(pieces, end.body)
      pieces.push(doneEvent)
    } else if (end?.type === 'failed') {
      pieces.push(errorEvent(end.fault, end.forwardedBytes))
    }
    return pieces.length === 0 ? null : Buffer.concat(pieces)
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

  /** With the usage comes what the answer cost. */
  private lastChunk(pieces: Uint8Array[], body: Uint8Array): void {
    if (this.head === null) return this.chunk(pieces, body)
    const { microDollars } = this.answer
    const chasm = microDollars === null ? '' : costField(microDollars)
    envelop(pieces, chasm === '' ? this.head : Buffer.concat([this.head, bytesOf(chasm)]), body)
    pieces.push(eventEnd)
  }

  private chunk(pieces: Uint8Array[], body: Uint8Array): void {
    if (this.head === null) {
      const head = `data: ${envelopeHead(this.answer, 'chat.completion.chunk')}`
      envelop(pieces, bytesOf(head + chasmField(this.answer, this.options.explains)), body)
      this.head = bytesOf(head)
      this.context.firstByte()
    } else {
      envelop(pieces, this.head, body)
    }
    pieces.push(eventEnd)
  }
}

function errorEvent(why: Fault, forwardedBytes?: number): Uint8Array {
  const extra = forwardedBytes === undefined ? undefined : { forwarded_bytes: forwardedBytes }
  return bytesOf(`data: ${faultBody(why, extra)}\n\n`)
}
