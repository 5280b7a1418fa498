/**
 * The answer of a virtual model, which is a chat completion, as a message: refused, whole or streamed. `messages.ts`
 * passes the response of the chat route through it.
 */
import { type Fault, type FaultCode, fault, faultTable } from '../../../../shared/faults.ts'
import { refuseAnthropic } from '../../response/anthropic-errors.ts'
import { dataOf, translatedEvents } from '../../streaming/translated-events.ts'
import type { AnswerForm, Json } from './answer-form.ts'
import { messageOf } from './message.ts'
import { errorText, eventText, messageId } from './message-encoder.ts'
import { MessageEvents } from './message-events.ts'

interface ChatJson extends Json {
  id: string
  model: string
  chasm?: object
  error?: { code: string; message: string; param?: string | null }
}

/** `response` is an answer of the chat route to a request of this id. */
export async function asMessage(requestId: string, response: Response, form: AnswerForm): Promise<Response> {
  const { status, headers } = response
  headers.set('request-id', requestId)
  if (headers.get('content-type')?.startsWith('text/event-stream') === true) {
    const translation = new Translation(requestId, form)
    return new Response(
      translatedEvents(response.body!, (event) => translation.event(event)),
      { status, headers },
    )
  }
  const chat = (await response.json()) as ChatJson
  const message = chat.error ? faultIn(chat) : messageOf(headOf(chat), chat, form)
  if ('code' in message) return refuseAnthropic(requestId, message, retryIn(headers))
  return new Response(JSON.stringify({ ...message, chasm: chat.chasm }), { status, headers })
}

class Translation {
  private readonly events: MessageEvents
  private phase: 'before' | 'started' | 'ended' = 'before'

  constructor(
    private readonly requestId: string,
    form: AnswerForm,
  ) {
    this.events = new MessageEvents(form)
  }

  event(event: string): string {
    const data = dataOf(event)
    if (data === null) return `${event}\n\n`
    if (this.phase === 'ended') return ''
    if (data === '[DONE]') return this.written(this.events.end())
    const chat = JSON.parse(data) as ChatJson
    if (chat.error) return this.failed(faultIn(chat))
    const opening = this.phase === 'before' ? this.start(chat) : ''
    return opening + this.written(this.events.chunk(chat))
  }

  private start(chat: ChatJson): string {
    this.phase = 'started'
    return eventText(this.events.start(headOf(chat), { chasm: chat.chasm }))
  }

  private written(events: ReturnType<MessageEvents['chunk']>): string {
    return Array.isArray(events) ? events.map(eventText).join('') : this.failed(events)
  }

  private failed(why: Fault): string {
    this.phase = 'ended'
    return errorText(this.requestId, why)
  }
}

function headOf({ id, model }: ChatJson) {
  return { id: messageId(id), model }
}

function faultIn({ error }: ChatJson): Fault {
  const { code, message, param } = error!
  return fault((code in faultTable ? code : 'internal_error') as FaultCode, message, param ? { param } : undefined)
}

function retryIn(headers: Headers): Record<string, string> {
  const names = ['retry-after', 'retry-after-ms']
  return Object.fromEntries(names.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)!]] : [])))
}
