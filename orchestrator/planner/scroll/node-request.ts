/**
 * The request that one node of a scroll stands for: its kind, its model, and the fields that travel to the provider.
 * The other files of the planner fill its texts in and decide when it is asked.
 */
import type { Fault } from '../../../shared/faults.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { type TaskKind, taskKinds } from '../../../shared/task.ts'
import { type Fields, flaw, type ScrollNode } from './scroll-nodes.ts'
import type { NodeTerms } from './scroll-schema.ts'

/** The same fault, with the node's name and place. */
export function within({ id, place }: ScrollNode, refused: Fault): Fault {
  const param = refused.param === undefined ? place : `${place}.${refused.param}`
  return { ...refused, param, message: `In node "${id}" of the scroll: ${refused.message}` }
}

export interface Asked {
  kind: TaskKind
  model: string
  request: Fields
}

/** Asks the model for JSON in both ways that models support: in words and as `response_format`. */
export function withSchema(asked: Asked, { output }: NodeTerms): Asked {
  if (typeof output !== 'object' || asked.kind !== 'chat') return asked
  const { schema, name = 'answer' } = output
  const wish = `Answer with one JSON value and nothing else. It must fit this JSON schema: ${JSON.stringify(schema)}`
  const { response_format: format, messages, ...rest } = asked.request
  const asJson = format ?? { type: 'json_schema', json_schema: { name, schema } }
  const said = [{ role: 'system', content: wish }, ...(messages as unknown[])]
  return { ...asked, request: { ...rest, messages: said, response_format: asJson } }
}

/** By which requests of clients say whom they want to be answered by. */
const routingFields = ['chasm', 'models', 'provider']

export function askedBy({ id: name, place, fields }: ScrollNode, defaultModel: string): Asked | Fault {
  const {
    id: _id,
    needs: _needs,
    kind: sentKind,
    model: sentModel,
    capability,
    prompt,
    messages,
    input,
    ...rest
  } = fields
  const isSpecialist = sentKind === 'specialist'
  const kind = isSpecialist ? 'chat' : taskKinds.find((known) => known === (sentKind ?? 'chat'))
  if (kind === undefined) {
    const kinds = [...taskKinds, 'specialist'].join(', ')
    return flaw(`${place}.kind`, `The kind of node "${name}" must be one of ${kinds}.`)
  }
  const named = isSpecialist ? capability : sentModel
  const model = isSpecialist ? capability : (sentModel ?? defaultModel)
  const field = isSpecialist ? 'capability' : 'model'
  if (
    typeof model !== 'string' ||
    model === '' ||
    model.length > modelCharsMax ||
    (isSpecialist && named === undefined)
  ) {
    const text = `The ${field} of node "${name}" must be a string of 1 to ${modelCharsMax} characters.`
    return flaw(`${place}.${field}`, text)
  }
  const foreign = isSpecialist ? sentModel : capability
  if (foreign !== undefined && foreign !== null) {
    const wish = isSpecialist
      ? 'is named by its `capability`: remove `model`'
      : 'has a `capability` only with kind specialist'
    return flaw(`${place}.${isSpecialist ? 'model' : 'capability'}`, `Node "${name}" ${wish}.`)
  }
  for (const key of ['stream', 'stream_options', ...routingFields]) {
    if (!(key in rest)) continue
    const text = routingFields.includes(key)
      ? `Node "${name}" cannot hold \`${key}\`: say it with \`requires\`, \`deadline_ms\` and \`attempts\`.`
      : `Node "${name}" cannot choose to stream, because an intent is followed by its events: remove it.`
    return flaw(`${place}.${key}`, text)
  }
  const wrong = contentFlaw(kind, { prompt, messages, input })
  if (wrong !== null) return flaw(`${place}.${wrong.key}`, `Node "${name}" is of kind ${kind}, ${wrong.wish}.`)
  if (kind === 'embed') return { kind, model, request: { model, input, ...rest } }
  const sentMessages = messages ?? [{ role: 'user', content: prompt }]
  return { kind, model, request: { model, messages: sentMessages, ...rest } }
}

/** What a node asks stands in one field, and which one depends on its kind. */
function contentFlaw(kind: TaskKind, content: Fields): { key: string; wish: string } | null {
  const isSent = (key: string) => content[key] !== undefined && content[key] !== null
  const fitting = kind === 'embed' ? ['input'] : ['messages', 'prompt']
  const wish = kind === 'embed' ? 'which takes `input` alone' : 'which takes either `prompt` or `messages`'
  const foreign = Object.keys(content).find((key) => isSent(key) && !fitting.includes(key))
  if (foreign !== undefined) return { key: foreign, wish: `${wish}: remove \`${foreign}\`` }
  const sent = fitting.filter(isSent)
  if (sent.length > 1) return { key: 'prompt', wish: `${wish}: remove one of them` }
  if (sent.length === 0) return { key: fitting[0]!, wish: `${wish}: say what it should ask` }
  const { prompt } = content
  if (sent[0] !== 'prompt' || (typeof prompt === 'string' && prompt !== '')) return null
  return { key: 'prompt', wish: 'and its `prompt` must be a string that is not empty' }
}
