/**
 * The answer of a running intent, made of its events: the pieces of its result node, or of the node that answers in its
 * place, as they come. Text that was given out is never given out again: after another attempt it goes on where it was,
 * if the new one says the same so far, and is a failure if not. Chats with virtual models and responses read it.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { IntentEvent, IntentEvents } from '../../engine/ports/intents.ts'

export interface AnswerNews {
  /** What the answer goes on with; empty for none. */
  text: string
  /** What else happened, in order. */
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
  private said = ''
  /** Characters of the present attempt that were heard; while they are fewer, they have to repeat what was said. */
  private heard = 0
  private node: string
  private head = ''

  constructor(private readonly source: AnswerSource) {
    this.node = source.resultNode
    this.follow(source.resultNode)
  }

  take(): AnswerNews | null {
    const part = this.source.events.take()
    if (part === null) return null
    const news: AnswerNews = { text: '', progress: [], end: null }
    for (const event of part.events) {
      if (news.end === null) this.hear(event, news)
    }
    if (part.ended) news.end ??= fault('internal_error', 'The events of the intent ended before it did.')
    return news
  }

  readable(): Promise<void> {
    return this.source.events.readable()
  }

  close(): void {
    this.source.events.close()
  }

  private hear(event: IntentEvent, news: AnswerNews): void {
    if (event.type === 'chunk') {
      // Most pieces are of other nodes; those need not be read.
      if (event.data.startsWith(this.head)) this.goOn(pieceOf(event.data), news)
      return
    }
    const data = JSON.parse(event.data) as {
      node?: string
      delegate?: string | null
      state?: string
      fault?: Fault | null
    }
    if (event.type === 'done') return this.finish(data, news)
    news.progress.push(event)
    if (data.node !== this.node) return
    if (event.type === 'attempt_reset') this.heard = 0
    else if (event.type === 'task_grown' && data.delegate) this.follow(data.delegate)
  }

  private follow(node: string): void {
    this.node = node
    this.head = `{"node":${JSON.stringify(node)},`
    this.heard = 0
  }

  private goOn(piece: string, news: AnswerNews): void {
    const repeated = this.said.slice(this.heard, this.heard + piece.length)
    if (!piece.startsWith(repeated)) {
      news.end = diverged
      return
    }
    this.heard += piece.length
    this.give(piece.slice(repeated.length), news)
  }

  private give(text: string, news: AnswerNews): void {
    this.said += text
    news.text += text
  }

  private finish({ state, fault: cause }: { state?: string; fault?: Fault | null }, news: AnswerNews): void {
    if (state !== 'done') {
      news.end = cause ?? fault('cancelled', 'The intent was cancelled.')
      return
    }
    // What never streamed (a vote, a list) comes at once.
    const whole = this.source.resultText()
    if (whole.startsWith(this.said)) {
      this.give(whole.slice(this.said.length), news)
      news.end = 'done'
    } else news.end = diverged
  }
}

function pieceOf(data: string): string {
  const { choices } = JSON.parse(data) as { choices?: { index: number; delta?: { content?: unknown } }[] }
  const content = choices?.find(({ index }) => index === 0)?.delta?.content
  return typeof content === 'string' ? content : ''
}

/** What a settled result says: the first choice's text. */
export function resultText(result: Uint8Array | undefined): string {
  if (result === undefined) return ''
  const { choices } = JSON.parse(Buffer.from(result).toString('utf8')) as {
    choices?: { message?: { content?: unknown } }[]
  }
  const content = choices?.[0]?.message?.content
  return typeof content === 'string' ? content : ''
}
