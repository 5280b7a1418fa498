/**
 * What clients may send about intents: the body that makes one and the query that lists them. The schema checks the
 * intent's own fields; the planner checks the content of a scroll. It also feeds `/openapi.json`.
 */
import { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { intentsPageDefault, intentsPageMax } from '../../../shared/limits/http.ts'
import {
  intentDeadlineMsMax,
  intentPriorityMax,
  metadataKeyCharsMax,
  metadataPairsMax,
  metadataValueCharsMax,
} from '../../../shared/limits/intents.ts'
import { modelCharsMax, nameCharsMax } from '../../../shared/limits/wire.ts'
import { type IntentState, intentStates } from '../../../shared/task-state.ts'
import { chatRequest } from './openai-requests.ts'
import { expects, integerFrom, textUpTo } from './validation.ts'

/** What an intent may be made of; each request holds one of them. */
const sources = ['input', 'messages', 'template', 'scroll'] as const

const inputRule = expects('must be a string that is not empty')
const metadataRule =
  `must be an object of at most ${metadataPairsMax} strings: names of 1 to ${metadataKeyCharsMax} characters, ` +
  `values of at most ${metadataValueCharsMax}`

export const metadata = z
  .unknown()
  .refine(isMetadata, expects(metadataRule))
  .meta({
    type: 'object',
    maxProperties: metadataPairsMax,
    additionalProperties: { type: 'string', maxLength: metadataValueCharsMax },
  })

/** What it holds is checked when it is planned. */
const scroll = z.unknown().meta({
  type: 'object',
  description: 'A plan of your own, as /schemas/scroll.json describes it.',
  required: ['nodes'],
  properties: {
    nodes: { type: 'array', minItems: 1, items: { type: 'object', required: ['id'] } },
    result: { type: 'string' },
  },
})

export interface IntentFields {
  input?: string | null
  messages?: unknown[] | null
  scroll?: unknown
  template?: string | null
  params?: Record<string, unknown> | null
  model?: string | null
  deadline_ms?: number | null
  priority?: number | null
  metadata?: Record<string, string> | null
}

export const intentRequest = z
  .strictObject(
    {
      input: z.string(inputRule).min(1, inputRule).nullish().describe('Short for one message of the user.'),
      messages: chatRequest.shape.messages.nullish().describe('As in a chat completion.'),
      template: textUpTo(nameCharsMax).nullish().describe('Makes the scroll: `auto` lets a model plan it.'),
      params: z.record(z.string(), z.unknown(), expects('must be an object')).nullish().describe('Of the template.'),
      scroll: scroll.nullish(),
      model: textUpTo(modelCharsMax).nullish().describe('For every task that names none; `auto` when absent.'),
      deadline_ms: integerFrom(1, intentDeadlineMsMax).describe('How long the whole may take, from now.'),
      priority: integerFrom(0, intentPriorityMax).describe('Among the intents of the same key; 9 goes first.'),
      metadata: metadata.nullish().describe('Labels of your own, shown wherever the intent is.'),
    },
    expects('must be an object'),
  )
  .superRefine((sent, context) => {
    const [first, second] = sources.filter((key) => sent[key] !== undefined && sent[key] !== null)
    if (first === undefined) {
      const message = 'is required, or `messages`, `template` or `scroll` in its place: send exactly one of them'
      context.addIssue({ code: 'custom', path: ['input'], message })
    }
    if ((sent.params ?? null) !== null && (sent.template ?? null) === null) {
      const message = 'is for a `template`: name one, or write `params` inside the scroll'
      context.addIssue({ code: 'custom', path: ['params'], message })
    }
    if (second === undefined) return
    const forms = '`input`, `messages`, `template` and `scroll`'
    const message = `cannot stand beside \`${first}\`: send exactly one of ${forms}`
    context.addIssue({ code: 'custom', path: [second], message })
  })

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const pairs = Object.entries(value)
  if (pairs.length > metadataPairsMax) return false
  return pairs.every(
    ([key, text]) =>
      key !== '' &&
      key.length <= metadataKeyCharsMax &&
      typeof text === 'string' &&
      text.length <= metadataValueCharsMax,
  )
}

export interface ListQuery {
  limit: number
  after?: string
  state?: IntentState
}

/** The page of intents that the URL names. */
export function listQuery(search: URLSearchParams): ListQuery | Fault {
  const query: ListQuery = { limit: intentsPageDefault }
  const limit = search.get('limit')
  if (limit !== null) {
    query.limit = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
    if (query.limit < 1 || query.limit > intentsPageMax) {
      const text = `\`limit\` must be a whole number from 1 to ${intentsPageMax}.`
      return fault('invalid_request', text, { param: 'limit' })
    }
  }
  const named = search.get('state')
  if (named !== null) {
    const state = intentStates.find((known) => known === named)
    if (state === undefined) {
      const text = `\`state\` must be one of ${intentStates.join(', ')}.`
      return fault('invalid_request', text, { param: 'state' })
    }
    query.state = state
  }
  const after = search.get('after')
  return after === null ? query : { ...query, after }
}
