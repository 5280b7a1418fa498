/**
 * The part of the OpenAPI document about the network of hubs: the answer of `GET /v1/hubs`. What only admins see may be
 * absent.
 */
import { taskKinds } from '../../../shared/task.ts'
import { count, inQuery, json, type Operation, object, orNull, ref, text } from './parts.ts'

const network = {
  ...object(
    {
      id: { ...text, description: 'Hash of the first roster.' },
      epoch: count,
      standing: { enum: ['member', 'removed', 'forked', 'double'], description: 'Whether this hub takes part.' },
      removed: {
        type: 'array',
        items: text,
        description: 'Hubs that were removed from the roster: what their ledgers have counts for nothing.',
      },
      threshold: { ...count, description: 'Signatures that the next roster needs.' },
      apart: {
        type: ['string', 'null'],
        description: 'Why the servers between hubs cannot be reached; null if they can.',
      },
      messages_dropped: {
        type: 'object',
        additionalProperties: count,
        description: 'Messages that did not count, by reason.',
      },
    },
    ['threshold', 'apart', 'messages_dropped'],
  ),
  type: ['object', 'null'],
}

const model = object({ id: text, kind: { enum: taskKinds }, scouts: count, idle: count, context_tokens: count }, [
  ...['kind', 'scouts', 'idle', 'context_tokens'],
])

const loan = (description: string) => ({ ...orNull(object({ credits: count, running: count })), description })

const hub = object(
  {
    object: { const: 'hub' },
    name: text,
    url: text,
    is_self: { type: 'boolean' },
    state: { enum: ['here', 'gone', 'unheard'] },
    silent_ms: orNull(count),
    ledger: {
      ...orNull(
        object({
          state: {
            enum: ['counted', 'unheard', 'flawed'],
            description: '`flawed`: it counts for nothing behind its batch `batch`, and `why` says what it did.',
          },
          key: { ...text, description: 'Its public key, which signs its ledger.' },
          batch: { ...count, description: 'The last batch that is counted.' },
          from: { ...count, description: 'The first one: of those before nothing is counted here.' },
          why: orNull(text),
        }),
      ),
      description: 'How far its points are counted here; null where this hub gives no receipts.',
    },
    scouts: { ...count, description: 'Scouts that dialled that hub itself.' },
    credits: { ...count, description: 'Tasks that they could begin now.' },
    running: count,
    intents: {
      ...orNull(object({ open: count, taken: count })),
      description: 'Durable intents under way there, and how many it took over from other hubs since it was started.',
    },
    lends: loan('What this hub may use of that one, and what is under way there for it.'),
    borrows: loan('What that hub may use of this one, and what is under way here for it.'),
    models: { type: 'array', items: model },
    more: { ...count, description: 'Models beyond those.' },
  },
  ['credits', 'running', 'intents', 'lends', 'borrows'],
)

export const hubOperations: Record<string, Operation> = {
  'GET /v1/hubs': {
    summary: 'The hubs of the network, with more about each for admins; nobody where this hub is by itself.',
    access: 'any',
    parameters: [inQuery('models', count, 'List at most so many models of each hub; all by default.')],
    gives: [200, 'The hubs.', json(ref('HubList'))],
  },
}

export const hubList = object({ object: { const: 'list' }, network, data: { type: 'array', items: hub } })
