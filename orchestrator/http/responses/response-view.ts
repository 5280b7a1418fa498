/**
 * A response as the Responses API shows it: an intent in other words. Its events are numbered by how far the text has
 * come, so the same event has the same number for every reader and after a restart, and a client can go on from any.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IntentView } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { shownFault } from '../response/response.ts'
import { resultText } from '../streaming/intent-answer.ts'
import type { AnswerEncoder } from '../streaming/intent-stream.ts'
import { sumsOf } from '../virtual/virtual-chat.ts'

type Json = Record<string, unknown>

/** Under this name the intent's metadata hold what the request said of itself. */
const responseLabel = 'chasm.response'

interface Label {
  model: string
  background: boolean
}

/** What the request said of itself; null for an intent that was not made as a response. */
export function labelOf({ metadata }: IntentView): Label | null {
  const label = metadata[responseLabel]
  return label === undefined ? null : (JSON.parse(label) as Label)
}

export function labelFor(label: Label): Record<string, string> {
  return { [responseLabel]: JSON.stringify(label) }
}

const responseId = (intent: string) => intent.replace(/^int_/, 'resp_')
export const intentOf = (response: string) => response.replace(/^resp_/, 'int_')
const messageId = (intent: string) => intent.replace(/^int_/, 'msg_')

const statusOf = { running: 'in_progress', done: 'completed', failed: 'failed', cancelled: 'cancelled' } as const

/** The whole response as it is now. */
export function shownResponse(context: RequestContext, view: IntentView): Json {
  const { edge } = context
  const { id, state, metadata, createdMs, fault, resultNode } = view
  const label = labelOf(view)!
  const { [responseLabel]: _, ...own } = metadata
  const text = state === 'done' ? resultText(edge.intents.result(id, resultNode)) : null
  const { usage, chasm } = sumsOf(context, view)
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage as Record<string, number>
  const counted = {
    ...{ input_tokens: input, input_tokens_details: { cached_tokens: 0 } },
    ...{ output_tokens: output, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: total },
  }
  return {
    id: responseId(id),
    object: 'response',
    created_at: Math.floor(createdMs / 1000),
    status: statusOf[state],
    background: label.background,
    error: state === 'failed' && fault !== null ? { code: fault.code, message: fault.message } : null,
    incomplete_details: null,
    instructions: null,
    model: label.model,
    output: text === null ? [] : [message(id, text, 'completed')],
    parallel_tool_calls: false,
    previous_response_id: null,
    store: true,
    tool_choice: 'none',
    tools: [],
    metadata: own,
    usage: state === 'done' ? counted : null,
    chasm,
  }
}

function message(intent: string, text: string, status: string): Json {
  return { type: 'message', id: messageId(intent), status, role: 'assistant', content: [textPart(text)] }
}

function textPart(text: string): Json {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

/** Events before the first piece of text: created, in_progress, the message, its part. */
const eventsBefore = 4

/** The events of a response; those up to number `after` are left out. */
export class ResponseEncoder implements AnswerEncoder {
  private said = ''

  constructor(
    private readonly context: RequestContext,
    private readonly view: IntentView,
    private readonly after: number,
  ) {}

  opening(): string {
    const response = { ...shownResponse(this.context, this.view), status: 'in_progress', output: [], usage: null }
    const item = { ...message(this.view.id, '', 'in_progress'), content: [] }
    return [
      this.event(0, 'response.created', { response }),
      this.event(1, 'response.in_progress', { response }),
      this.event(2, 'response.output_item.added', { output_index: 0, item }),
      this.event(3, 'response.content_part.added', { ...this.place(), part: textPart('') }),
    ].join('')
  }

  /** Numbered by the last character of its piece. */
  text(piece: string): string {
    const from = this.said.length
    this.said += piece
    const known = Math.max(0, this.after - eventsBefore + 1 - from)
    const delta = piece.slice(known)
    if (delta === '') return ''
    const number = eventsBefore + this.said.length - 1
    return this.event(number, 'response.output_text.delta', { ...this.place(), delta, logprobs: [] })
  }

  progress(): string {
    return ''
  }

  done(): string {
    const last = eventsBefore + this.said.length
    const part = textPart(this.said)
    const item = message(this.view.id, this.said, 'completed')
    const view = this.context.edge.intents.intent(this.view.id, null)!
    const text = { ...this.place(), text: this.said, logprobs: [] }
    return [
      this.event(last, 'response.output_text.done', text),
      this.event(last + 1, 'response.content_part.done', { ...this.place(), part }),
      this.event(last + 2, 'response.output_item.done', { output_index: 0, item }),
      this.event(last + 3, 'response.completed', { response: shownResponse(this.context, view) }),
    ].join('')
  }

  failed(why: Fault): string {
    const number = eventsBefore + this.said.length
    const view = this.context.edge.intents.intent(this.view.id, null)!
    if (view.state === 'running') {
      const { message: text, param, code } = shownFault(why)
      return this.event(number, 'error', { code, message: text, param })
    }
    const type = view.state === 'cancelled' ? 'response.cancelled' : 'response.failed'
    return this.event(number, type, { response: shownResponse(this.context, view) })
  }

  private place(): Json {
    return { item_id: messageId(this.view.id), output_index: 0, content_index: 0 }
  }

  private event(number: number, type: string, fields: Json): string {
    if (number <= this.after) return ''
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number, ...fields })}\n\n`
  }
}
