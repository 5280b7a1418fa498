/**
 * The answer of a running intent, made of its events: the pieces of its result node, or of the node that answers in its
 * place, as they come. Text that was given out is never given out again: another attempt has to repeat it, and the
 * answer goes on from there; an attempt that differs is a failure. Virtual models and responses read it.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { IntentEvent, IntentEvents } from '../../engine/ports/intents.ts'

type Json = Record<string, unknown>

export interface AnswerUpdate {
  /** What the model thought before it; given once, before the first text. */
  reasoning: string
  /** The next piece of the answer; empty for none. */
  text: string
  /** Other events, in order. */
  progress: IntentEvent[]
  end: 'done' | Fault | null
}

export interface AnswerSource {
  events: IntentEvents
  resultNode: string
  /** The result, once the intent is done. */
  result: () => Uint8Array | undefined
}

const diverged = fault(
  'cannot_continue',
  'The answer was lost after it had begun, and another attempt at it went differently: ask again.',
)

export class IntentAnswer {
  /** What has been given out. */
  private given = ''
  /** Characters received of the present attempt; while they are fewer than given out, they have to repeat that. */
  private received = 0
  private node: string
  /** What the present attempt thought; until text is given out. */
  private thought = ''
  private head = ''

  constructor(private readonly source: AnswerSource) {
    this.node = source.resultNode
    this.follow(source.resultNode)
  }

  take(): AnswerUpdate | null {
    const part = this.source.events.take()
    if (part === null) return null
    const update: AnswerUpdate = { reasoning: '', text: '', progress: [], end: null }
    for (const event of part.events) {
      if (update.end === null) this.apply(event, update)
    }
    if (part.ended) update.end ??= fault('internal_error', 'The events of the intent ended before it did.')
    return update
  }

  readable(): Promise<void> {
    return this.source.events.readable()
  }

  /** How it ended; once it is done. */
  result(): ResultMessage {
    return resultMessage(this.source.result())
  }

  close(): void {
    this.source.events.close()
  }

  private apply(event: IntentEvent, update: AnswerUpdate): void {
    if (event.type === 'chunk') {
      // Most pieces are of other nodes; those need not be read.
      if (event.data.startsWith(this.head)) this.goOn(pieceOf(event.data), update)
      return
    }
    const data = JSON.parse(event.data) as {
      node?: string
      delegate?: string | null
      state?: string
      fault?: Fault | null
    }
    if (event.type === 'done') return this.finish(data, update)
    update.progress.push(event)
    if (data.node !== this.node) return
    if (event.type === 'attempt_reset') this.begin()
    else if (event.type === 'task_grown' && data.delegate) this.follow(data.delegate)
  }

  private follow(node: string): void {
    this.node = node
    this.head = `{"node":${JSON.stringify(node)},`
    this.begin()
  }

  private begin(): void {
    this.received = 0
    this.thought = ''
  }

  private goOn({ text: piece, reasoning }: Piece, update: AnswerUpdate): void {
    if (this.given === '') this.thought += reasoning
    const repeated = this.given.slice(this.received, this.received + piece.length)
    if (!piece.startsWith(repeated)) {
      update.end = diverged
      return
    }
    this.received += piece.length
    this.give(piece.slice(repeated.length), update)
  }

  private give(text: string, update: AnswerUpdate): void {
    if (text === '') return
    if (this.given === '') update.reasoning = this.thought
    this.given += text
    update.text += text
  }

  private finish({ state, fault: cause }: { state?: string; fault?: Fault | null }, update: AnswerUpdate): void {
    if (state !== 'done') {
      update.end = cause ?? fault('cancelled', 'The intent was cancelled.')
      return
    }
    // What never streamed (a vote, a list) comes at once.
    const { text: whole, reasoning } = resultMessage(this.source.result())
    this.thought = reasoning
    if (whole.startsWith(this.given)) {
      this.give(whole.slice(this.given.length), update)
      update.end = 'done'
    } else update.end = diverged
  }
}

interface Piece {
  text: string
  reasoning: string
}

function pieceOf(data: string): Piece {
  const { choices } = JSON.parse(data) as { choices?: { index: number; delta?: Json }[] }
  return partsIn(choices?.find(({ index }) => index === 0)?.delta ?? {})
}

function partsIn({ content, reasoning_content: thought, reasoning }: Json): Piece {
  return { text: textIn(content), reasoning: textIn(thought) || textIn(reasoning) }
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A settled answer, as a chat completion has it. */
export interface Result {
  choices?: { index?: number; message?: Json; finish_reason?: unknown; logprobs?: { content?: unknown } | null }[]
  usage?: unknown
}

export function parsedResult(result: Uint8Array | undefined): Result {
  return result === undefined ? {} : (JSON.parse(Buffer.from(result).toString('utf8')) as Result)
}

/** The first choice of a settled result. */
export interface ResultMessage extends Piece {
  message: Json
  /** How it ended; nodes that the hub itself carries out do not say. */
  finish: string
  /** Tools that it calls. */
  calls: object[]
}

export function resultMessage(result: Uint8Array | undefined): ResultMessage {
  const { message = {}, finish_reason: reason } = parsedResult(result).choices?.[0] ?? {}
  const { tool_calls: calls } = message
  return {
    ...partsIn(message),
    message,
    finish: typeof reason === 'string' ? reason : 'stop',
    calls: Array.isArray(calls) ? calls : [],
  }
}
