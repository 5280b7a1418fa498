/**
 * The intents' part of the OpenAPI document: what is shown of them, and their operations.
 */
import { intentsPageMax } from '../../../shared/limits/http.ts'
import { taskKinds } from '../../../shared/task.ts'
import { durableTaskStates, intentStates } from '../../../shared/task-state.ts'
import {
  count,
  inHeader,
  inQuery,
  type Json,
  json,
  type Operation,
  object,
  ref,
  seconds,
  text,
  texts,
} from './parts.ts'

const state = { enum: intentStates }
const makesNothingNew = 'A repetition with the same key and body makes nothing new.'
const labels = { type: 'object', additionalProperties: text }
const error = { anyOf: [ref('Error/properties/error'), { type: 'null' }] }
const usage = object({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
const accepted = {
  id: text,
  object: { const: 'intent' },
  state,
  priority: count,
  created: seconds,
  deadline: seconds,
  metadata: labels,
}
const shown = {
  ...accepted,
  finished: { ...seconds, type: ['integer', 'null'] },
  result_node: { ...text, description: 'The node whose answer is the result.' },
  usage,
  error,
}
const served = { ...object({ scout: text, provider: text, model: text }), type: ['object', 'null'] }
const result = {
  type: ['object', 'null'],
  description: 'The answer, as a chat completion or as embeddings give it; null until the intent is done.',
}

export const intentSchemas: Json = {
  AcceptedIntent: object(accepted),
  IntentSummary: object(shown),
  IntentTask: object({
    node: text,
    kind: { enum: taskKinds },
    model: text,
    needs: texts,
    state: { enum: durableTaskStates },
    attempts: count,
    served,
    usage,
    error,
  }),
  Intent: object({ ...shown, tasks: { type: 'array', items: ref('IntentTask') }, result }),
  Plan: object({
    object: { const: 'plan' },
    result_node: text,
    nodes: { type: 'array', items: { type: 'object' } },
    expected: object({
      tasks: { ...count, description: 'Requests to scouts. Of what is only known later, a usual number.' },
      usage,
      dollars: { type: ['number', 'null'], description: 'Null when a price is unknown.' },
      duration_ms: { ...count, description: 'Along the longest chain, with scouts enough.' },
    }),
  }),
  IntentList: object({
    object: { const: 'list' },
    data: { type: 'array', items: ref('IntentSummary') },
    has_more: { type: 'boolean' },
    last_id: { type: ['string', 'null'], description: 'For `after`, to have the next page.' },
  }),
}

const events = { 'text/event-stream': { schema: text } }

export const intentOperations: Record<string, Operation> = {
  'POST /v1/intents': {
    summary: 'Ask for work that survives the connection and the hub. Answered once it is safely stored.',
    access: 'client',
    parameters: [inHeader('Idempotency-Key', makesNothingNew)],
    takes: 'IntentRequest',
    gives: [202, 'It is stored and will be carried out.', json(ref('AcceptedIntent'))],
  },
  'GET /v1/intents': {
    summary: 'The intents of your key, newest first; an admin sees all.',
    access: 'client',
    parameters: [
      inQuery('limit', { type: 'integer', minimum: 1, maximum: intentsPageMax }, 'How many at most.'),
      inQuery('after', text, 'The id of the last one of the page before.'),
      inQuery('state', state, 'Only those in this state.'),
    ],
    gives: [200, 'A page of intents.', json(ref('IntentList'))],
  },
  'POST /v1/intents/plan': {
    summary: 'What an intent would become, and what it is likely to take: nothing is stored, and nobody is asked.',
    access: 'client',
    takes: 'IntentRequest',
    gives: [200, 'The plan.', json(ref('Plan'))],
  },
  'GET /v1/intents/{id}/nodes/{node}': {
    summary: 'One node with its result, as soon as it has one.',
    access: 'client',
    gives: [200, 'The node.', json({ type: 'object' })],
  },
  'GET /v1/intents/{id}/nodes/{node}/request': {
    summary: 'What the scout of a node is asked; before its needs are done it may hold references to them.',
    access: 'client',
    gives: [200, 'The request.', json({ type: 'object' })],
  },
  'POST /v1/intents/{id}/nodes/{node}/retry': {
    summary: 'Try a node again that failed, and what was skipped on its account; what is done stays.',
    access: 'client',
    gives: [200, 'The intent, which goes on.', json(ref('Intent'))],
  },
  'GET /v1/intents/{id}/events': {
    summary: 'What happens to an intent, from its beginning or from the last event you have; ends after `done`.',
    access: 'client',
    parameters: [
      inHeader('Last-Event-ID', 'The id of the last event you have.'),
      inQuery('last_event_id', text, 'The same, for clients that cannot set headers.'),
    ],
    gives: [
      200,
      'Events: planned, task_started, chunk, attempt_reset, task_grown, task_settled, done, retried.',
      events,
    ],
  },
  'GET /v1/intents/{id}': {
    summary: 'One intent with its tasks and its result.',
    access: 'client',
    gives: [200, 'The intent.', json(ref('Intent'))],
  },
  'DELETE /v1/intents/{id}': {
    summary: 'Cancel whatever of an intent has not ended.',
    access: 'client',
    gives: [200, 'The intent as it is now.', json(ref('Intent'))],
  },
}

const response = json({ type: 'object', description: 'A response, as the Responses API has it.' })

export const responseOperations: Record<string, Operation> = {
  'POST /v1/responses': {
    summary: 'Ask for a response. Fields that are not listed pass through to the provider, or are refused by name.',
    access: 'client',
    parameters: [inHeader('Idempotency-Key', `${makesNothingNew} With a key, a client that leaves cancels nothing.`)],
    takes: 'ResponseRequest',
    gives: [200, 'The response; with `stream: true` as events.', { ...response, ...events }],
  },
  'POST /v1/responses/{id}/cancel': {
    summary: 'Cancel whatever of a response has not ended.',
    access: 'client',
    gives: [200, 'The response as it is now.', response],
  },
  'POST /v1/responses/input_tokens': {
    summary: 'Estimate how many tokens an input has: the hub knows no tokenizer.',
    access: 'client',
    takes: 'TokenCountRequest',
    gives: [200, 'The estimate.', json(object({ object: text, input_tokens: count, chasm: { type: 'object' } }))],
  },
  'POST /v1/responses/compact': {
    summary: 'Have a model sum a conversation up. What comes back stands for it as the input of further requests.',
    access: 'client',
    takes: 'CompactRequest',
    gives: [200, 'What the user said, and an item with the summary.', json({ type: 'object' })],
  },
  'GET /v1/responses/{id}/input_items': {
    summary: 'What a response read, the newest first.',
    access: 'client',
    parameters: [
      inQuery('limit', count, 'Items on a page: 20 when absent, at most 100.'),
      inQuery('order', { enum: ['asc', 'desc'] }, 'The oldest or the newest first.'),
      inQuery('after', text, 'Go on after the item of this id.'),
    ],
    gives: [200, 'A page of items.', json({ type: 'object' })],
  },
  'DELETE /v1/responses/{id}': {
    summary: 'Remove a response, with all that is kept of it.',
    access: 'client',
    gives: [200, 'It is removed.', json(object({ id: text, object: text, deleted: { const: true } }))],
  },
  'GET /v1/responses/{id}': {
    summary: 'One response as it is now, or its events.',
    access: 'client',
    parameters: [
      inQuery('stream', { type: 'boolean' }, 'Its events instead, from the beginning.'),
      inQuery('starting_after', count, 'Only events after this `sequence_number`.'),
    ],
    gives: [200, 'The response.', { ...response, ...events }],
  },
}
