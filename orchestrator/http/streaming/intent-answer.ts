/**
 * The answer of a running intent, made of its events: the pieces of its result node, or of the node that answers in its
 * place, as they come. Text that was given out is never given out again: another attempt has to repeat it, and the
 * answer goes on from there; an attempt that differs is a failure. Virtual models and responses read it.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { IntentEvent, IntentEvents } from '../../engine/ports/intents.ts'

export interface AnswerUpdate {
  /** The next piece of the answer; empty for none. */
  text: string
  /** Other events, in order. */
  progress: IntentEvent[]
  end: 'done' | Fault | null
}

export interface AnswerSource {
  events: IntentEvents
  resultNode: string
  /** The text of the result, once the intent is done. */
  resultText: () => string
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
  private head = ''

  constructor(private readonly source: AnswerSource) {
    this.node = source.resultNode
    this.follow(source.resultNode)
  }

  take(): AnswerUpdate | null {
    const part = this.source.events.take()
    if (part === null) return null
    const update: AnswerUpdate = { text: '', progress: [], end: null }
    for (const event of part.events) {
      if (update.end === null) this.apply(event, update)
    }
    if (part.ended) update.end ??= fault('internal_error', 'The events of the intent ended before it did.')
    return update
  }

  readable(): Promise<void> {
    return this.source.events.readable()
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
    if (event.type === 'attempt_reset') this.received = 0
    else if (event.type === 'task_grown' && data.delegate) this.follow(data.delegate)
  }

  private follow(node: string): void {
    this.node = node
    this.head = `{"node":${JSON.stringify(node)},`
    this.received = 0
  }

  private goOn(piece: string, update: AnswerUpdate): void {
    const repeated = this.given.slice(this.received, this.received + piece.length)
    if (!piece.startsWith(repeated)) {
      update.end = diverged
      return
    }
    this.received += piece.length
    this.give(piece.slice(repeated.length), update)
  }

  private give(text: string, update: AnswerUpdate): void {
    this.given += text
    update.text += text
  }

  private finish({ state, fault: cause }: { state?: string; fault?: Fault | null }, update: AnswerUpdate): void {
    if (state !== 'done') {
      update.end = cause ?? fault('cancelled', 'The intent was cancelled.')
      return
    }
    // What never streamed (a vote, a list) comes at once.
    const whole = this.source.resultText()
    if (whole.startsWith(this.given)) {
      this.give(whole.slice(this.given.length), update)
      update.end = 'done'
    } else update.end = diverged
  }
}

function pieceOf(data: string): string {
  const { choices } = JSON.parse(data) as { choices?: { index: number; delta?: { content?: unknown } }[] }
  const content = choices?.find(({ index }) => index === 0)?.delta?.content
  return typeof content === 'string' ? content : ''
}

interface ResultChoice {
  message?: { content?: unknown; tool_calls?: unknown }
  finish_reason?: unknown
}

function firstChoice(result: Uint8Array | undefined): ResultChoice | undefined {
  if (result === undefined) return undefined
  return (JSON.parse(Buffer.from(result).toString('utf8')) as { choices?: ResultChoice[] }).choices?.[0]
}

/** The text of a settled result's first choice. */
export function resultText(result: Uint8Array | undefined): string {
  const content = firstChoice(result)?.message?.content
  return typeof content === 'string' ? content : ''
}

/** Why a settled result ended, and the tools that it calls: as the last node ended, so did the answer. */
export function resultEnding(result: Uint8Array | undefined): { finish: string; calls: object[] } {
  const choice = firstChoice(result)
  const calls = choice?.message?.tool_calls
  return {
    finish: typeof choice?.finish_reason === 'string' ? choice.finish_reason : 'stop',
    calls: Array.isArray(calls) ? (calls as object[]) : [],
  }
}
