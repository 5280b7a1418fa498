/**
 * What clients may send to the Responses API, and the conversation it stands for. Fields that
 * the hub cannot honour (tools, earlier responses) are refused by name rather than ignored.
 */
import { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { intentDeadlineMsMax } from '../../../shared/limits/intents.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { metadata } from './intent-request.ts'
import { anyNumber, expects, flag, integerFrom, listOf, textUpTo } from './validation.ts'

type Json = Record<string, unknown>

const inputRule = 'must be a string that is not empty, or a list of at least one item'

export const responseRequest = z.object({
  model: textUpTo(modelCharsMax).describe('A name from /v1/models, virtual ones too, or `auto`.'),
  input: z.union([z.string().min(1), listOf(z.looseObject({}), inputRule).min(1)], expects(inputRule)),
  instructions: z.string(expects('must be a string')).nullish(),
  stream: flag,
  background: flag,
  store: flag,
  metadata: metadata.nullish(),
  temperature: anyNumber,
  top_p: anyNumber,
  max_output_tokens: integerFrom(1),
  text: z.object({ format: z.looseObject({}).nullish() }, expects('must be an object')).nullish(),
  chasm: z
    .strictObject(
      {
        deadline_ms: integerFrom(1, intentDeadlineMsMax),
        params: z.record(z.string(), z.unknown(), expects('must be an object')).nullish(),
      },
      expects('must be an object'),
    )
    .nullish()
    .describe('Instructions to the hub itself.'),
})

export interface ResponseFields {
  model: string
  input: string | Json[]
  instructions?: string | null
  stream?: boolean | null
  background?: boolean | null
  metadata?: Record<string, string> | null
  temperature?: number | null
  top_p?: number | null
  max_output_tokens?: number | null
  text?: { format?: Json | null } | null
  chasm?: { deadline_ms?: number | null; params?: Json | null } | null
}

/** Fields that would change the meaning of a request if they were ignored. */
const notOffered: Record<string, string> = {
  previous_response_id: 'send the earlier turns in `input`',
  conversation: 'send the earlier turns in `input`',
  prompt: 'send the text itself in `input`',
  tools: 'use POST /v1/chat/completions for tools',
}

export function refusedField(sent: Json): Fault | null {
  for (const [field, advice] of Object.entries(notOffered)) {
    const value = sent[field] ?? null
    if (value === null || (Array.isArray(value) && value.length === 0)) continue
    return fault('invalid_request', `\`${field}\` is not offered here: ${advice}.`, { param: field })
  }
  return null
}

/** The same conversation as messages of a chat completion. */
export function messagesOf({ input, instructions }: ResponseFields): Json[] | Fault {
  const messages: Json[] = instructions ? [{ role: 'system', content: instructions }] : []
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }]
  for (const [index, item] of input.entries()) {
    const message = messageOf(item, `input[${index}]`)
    if ('code' in message) return message as Fault
    messages.push(message)
  }
  return messages
}

function messageOf(item: Json, place: string): Json | Fault {
  const { type = 'message', role, content } = item
  if (type !== 'message') return unfit(`${place}.type`, 'must be message')
  if (typeof content === 'string') return { role, content }
  if (!Array.isArray(content)) return unfit(`${place}.content`, 'must be a string or a list of parts')
  const parts: Json[] = []
  for (const [at, part] of content.entries()) {
    const { type: kind, text, image_url: image } = (part ?? {}) as Json
    if ((kind === 'input_text' || kind === 'output_text') && typeof text === 'string')
      parts.push({ type: 'text', text })
    else if (kind === 'input_image' && typeof image === 'string')
      parts.push({ type: 'image_url', image_url: { url: image } })
    else return unfit(`${place}.content[${at}]`, 'must be input_text with `text`, or input_image with `image_url`')
  }
  return { role, content: parts }
}

function unfit(param: string, rule: string): Fault {
  return fault('invalid_request', `\`${param}\` ${rule}.`, { param })
}

/** The required form of the answer, as a chat completion's `response_format`. */
export function formatOf({ text }: ResponseFields): Json | null {
  const format = text?.format ?? null
  if (format === null || format.type === 'text') return null
  if (format.type !== 'json_schema') return format
  const { type, ...schema } = format
  return { type, json_schema: schema }
}
