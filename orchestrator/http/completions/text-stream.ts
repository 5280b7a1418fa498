/**
 * A streamed text completion as the content of a pull stream. Of several prompts one is asked after the other, so that
 * nothing of a later answer waits in memory for its turn.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Answer, AnswerPart } from '../../engine/ports/client.ts'
import { type Asked, submit } from '../chat/asked.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, servedModel } from '../response/envelope.ts'
import { faultBody } from '../response/response.ts'
import type { StreamContent } from '../streaming/pull-stream.ts'
import { type Json, type TextChoices, usageOf } from './text-answer.ts'

/** One prompt of the request. */
export interface Prompt {
  asked: Asked
  choices: TextChoices
}

const utf8 = new TextDecoder()
const doneEvent = 'data: [DONE]\n\n'

export function completionId(id: string): string {
  return `cmpl-${id.replace(/^chatcmpl-/, '')}`
}

export class TextStream implements StreamContent<AnswerPart> {
  readonly name = 'streamed completion'
  private answer: Answer
  private at = 0
  private isOver = false
  /** The fields of every chunk; null until the first line, which tells who serves. */
  private head: Json | null = null
  private readonly usages: unknown[] = []

  constructor(
    private readonly context: RequestContext,
    private readonly prompts: readonly Prompt[],
  ) {
    this.answer = submit(context, prompts[0]!.asked)
  }

  take(): AnswerPart | null {
    return this.answer.take()
  }

  onReadable(wake: () => void): void {
    this.answer.onReadable(wake)
  }

  isLast(): boolean {
    return this.isOver
  }

  release(isComplete: boolean): void {
    if (!isComplete) this.answer.abandon()
  }

  opening(): null {
    return null
  }

  encode({ lines, end }: AnswerPart): Uint8Array | null {
    let out = ''
    for (const line of lines) out += this.chunk(parsed(line))
    if (end?.type === 'failed') {
      this.isOver = true
      out += errorText(end.fault)
    } else if (end?.type === 'done') {
      this.usages.push(parsed(end.body).usage)
      out += this.goOn()
    }
    return out === '' ? null : Buffer.from(out)
  }

  keepAlive(): Uint8Array {
    const before = this.answer.position()
    return Buffer.from(before === null ? ': keep-alive\n\n' : `: waiting, position ${before + 1}\n\n`)
  }

  failure(why: Fault): Uint8Array {
    return Buffer.from(errorText(why))
  }

  stalled(): Uint8Array {
    const text = 'Nothing was read from this stream for too long, so the answer was stopped: read faster, or ask again.'
    return this.failure(fault('client_stalled', text))
  }

  /** To the next prompt, or to the end. */
  private goOn(): string {
    const next = this.prompts[++this.at]
    if (next !== undefined) {
      this.answer = submit(this.context, next.asked)
      return ''
    }
    this.isOver = true
    const usage = this.prompts[0]!.asked.withUsage ? this.event({ choices: [], usage: usageOf(this.usages) }) : ''
    return usage + doneEvent
  }

  private chunk(chat: Json): string {
    const choices = this.prompts[this.at]!.choices.of(chat)
    return choices.length === 0 ? '' : this.event({ choices })
  }

  private event(fields: Json): string {
    const { answer } = this
    if (this.head !== null) return `data: ${JSON.stringify({ ...this.head, ...fields })}\n\n`
    this.context.firstByte(answer.served)
    const { id, created } = answer
    this.head = { id: completionId(id), object: 'text_completion', created, model: servedModel(answer) }
    const chunk = JSON.stringify({ ...this.head, ...fields })
    return `data: {${chasmField(answer, this.prompts[0]!.asked.explains)}${chunk.slice(1)}\n\n`
  }
}

function parsed(bytes: Uint8Array): Json {
  return JSON.parse(utf8.decode(bytes)) as Json
}

function errorText(why: Fault): string {
  return `data: ${faultBody(why)}\n\n`
}
