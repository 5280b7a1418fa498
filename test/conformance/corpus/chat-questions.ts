/** Chats of every kind, whole and streamed, and what of them is refused. */
import { chatAnswer, type Json, picture, type Question, refusedWith, says, schema, weather } from './question.ts'

const path = '/v1/chat/completions'
const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Delft","days":1}' } }
const afterTool = [
  ...says('Will it rain?'),
  { role: 'assistant', content: null, tool_calls: [call] },
  { role: 'tool', tool_call_id: 'call_1', content: 'mist' },
]

/** By name; each is asked whole, streamed, and streamed with usage. */
const variants: Record<string, Json> = {
  plain: {},
  'system and developer': {
    messages: [{ role: 'system', content: 'Be brief.' }, { role: 'developer', content: 'Be kind.' }, ...says('Hi')],
  },
  'two choices': { n: 2 },
  'log probabilities': { logprobs: true, max_tokens: 5 },
  'alternatives of tokens': { logprobs: true, top_logprobs: 2, max_tokens: 5 },
  'at most three tokens': { max_tokens: 3 },
  'at most three completion tokens': { max_completion_tokens: 3 },
  'a stop': { stop: ['.', 'chasm'] },
  'a manner': { temperature: 0.2, top_p: 0.9, seed: 7, presence_penalty: 0.1, frequency_penalty: 0.1 },
  'a tool': { tools: [weather] },
  'a tool that is required': { tools: [weather], tool_choice: 'required' },
  'a tool by name': { tools: [weather], tool_choice: { type: 'function', function: { name: 'weather' } } },
  'a tool that may not be called': { tools: [weather], tool_choice: 'none' },
  'one call at a time': { tools: [weather], parallel_tool_calls: false },
  'an answer of a tool': { tools: [weather], messages: afterTool },
  'JSON by schema': { response_format: { type: 'json_schema', json_schema: schema } },
  'any JSON': { response_format: { type: 'json_object' }, messages: says('As JSON, please') },
  'a picture': {
    messages: says([
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: picture } },
    ]),
  },
  'labels of the client': {
    user: 'u-1',
    metadata: { a: 'b' },
    store: false,
    service_tier: 'auto',
    prompt_cache_key: 'k',
  },
  'its explanation': { chasm: { explain: true } },
  'a model behind it': { models: ['auto'], provider: { sort: 'price' } },
}

const streamed: [name: string, fields: Json | null][] = [
  ['whole', null],
  ['streamed', { stream: true }],
  ['streamed with usage', { stream: true, stream_options: { include_usage: true } }],
]

export function chatQuestions(models: readonly string[]): Question[] {
  return models.flatMap((model) =>
    Object.entries(variants).flatMap(([name, fields]) =>
      streamed.map(([how, more]) => chat(`${name}, ${how}, of ${model}`, { model, ...fields, ...more })),
    ),
  )
}

function chat(name: string, fields: Json): Question {
  const body = { messages: says('Tell me of the chasm'), ...fields }
  return { name, api: 'chat', path, body, form: fields.stream === true ? { stream: 'chat' } : chatAnswer }
}

/** Every combination of what may stand together, each with words of its own. */
export function combinedChats(models: readonly string[], rounds: number): Question[] {
  const forms: Json[] = [{}, { tools: [weather] }, { response_format: { type: 'json_schema', json_schema: schema } }]
  const questions: Question[] = []
  for (const model of models)
    for (const n of [1, 2])
      for (const logprobs of [true, false])
        for (const max_tokens of [4, 400])
          for (const form of forms)
            for (const [how, more] of streamed)
              for (let round = 0; round < rounds; round++) {
                const messages = says(`Tell me ${round} things of ${how} chasms`)
                const fields = { model, n, logprobs, max_tokens, messages, ...form, ...more }
                questions.push(chat(`combination ${questions.length + 1}`, fields))
              }
  return questions
}

export function chatRefusals(model: string): Question[] {
  const refused = (name: string, status: number, more: Json, rest: Partial<Question> = {}): Question => ({
    ...{ name, api: 'chat', path, body: { model, messages: says('Hi'), ...more }, form: refusedWith(status) },
    ...rest,
  })
  return [
    refused('an unknown model', 404, { model: 'gpt-17' }),
    refused('an unknown model, streamed', 404, { model: 'gpt-17', stream: true }),
    refused('no messages', 400, { messages: [] }),
    refused('a wrong type', 400, { temperature: 'hot' }),
    refused('options of a stream without one', 400, { stream_options: { include_usage: true } }),
    refused('a member that is not known', 400, { provider: { quantizations: ['fp8'] } }),
    refused('no JSON', 400, {}, { body: '{' }),
    refused('no key', 401, {}, { key: null }),
    refused('a wrong key', 401, {}, { key: 'sk-wrong' }),
    refused('a wrong content type', 415, {}, { headers: { 'content-type': 'text/plain' } }),
    { name: 'an unknown path', api: 'chat', path: '/v1/nothing', body: {}, form: refusedWith(404) },
    { name: 'a wrong method', api: 'chat', method: 'DELETE', path, form: refusedWith(405) },
  ]
}
