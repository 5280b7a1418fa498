/**
 * The part of the OpenAPI document about the network of hubs: the answer of `GET /v1/hubs`.
 */
import { taskKinds } from '../../../shared/task.ts'
import { count, object, orNull, text } from './parts.ts'

const network = {
  ...object({
    id: { ...text, description: 'Hash of the first roster.' },
    epoch: count,
    threshold: { ...count, description: 'Signatures that the next roster needs.' },
    standing: { enum: ['member', 'removed', 'forked', 'double'], description: 'Whether this hub takes part.' },
    apart: {
      type: ['string', 'null'],
      description: 'Why the servers between hubs cannot be reached; null if they can.',
    },
    messages_dropped: {
      type: 'object',
      additionalProperties: count,
      description: 'Messages that did not count, by reason.',
    },
  }),
  type: ['object', 'null'],
}

const model = object({ id: text, kind: { enum: taskKinds }, scouts: count, idle: count, context_tokens: count }, [
  ...['kind', 'scouts', 'idle', 'context_tokens'],
])

const hub = object({
  object: { const: 'hub' },
  name: text,
  url: text,
  is_self: { type: 'boolean' },
  state: { enum: ['here', 'gone', 'unheard'] },
  silent_ms: orNull(count),
  scouts: { ...count, description: 'Scouts that dialled that hub itself.' },
  credits: count,
  running: count,
  models: { type: 'array', items: model },
  more: { ...count, description: 'Models beyond those.' },
})

export const hubList = object({ object: { const: 'list' }, network, data: { type: 'array', items: hub } })
