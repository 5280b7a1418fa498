/** Responses of every kind, what is done with them afterwards, and what of them is refused. */
import { type Json, picture, type Question, refusedWith, says, schema, weather } from './question.ts'

const path = '/v1/responses'
const tool = { type: 'function', ...weather.function, strict: true }
const format = { type: 'json_schema', ...schema }
const whole = { status: 200, schema: 'Response', openResponses: 'ResponseResource' }

const callItem = { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Delft","days":1}' }
const afterTool = [
  ...says('Will it rain?'),
  callItem,
  { type: 'function_call_output', call_id: 'call_1', output: 'mist' },
]

/** By name; each is asked whole and streamed. */
const variants: Record<string, Json> = {
  'a text': {},
  'a conversation': {
    input: [{ role: 'developer', content: 'Be kind.' }, ...says([{ type: 'input_text', text: 'Hi' }])],
  },
  instructions: { instructions: 'Be brief.' },
  'a manner': {
    temperature: 0.2,
    top_p: 0.9,
    truncation: 'disabled',
    user: 'u-1',
    safety_identifier: 's',
    prompt_cache_key: 'k',
  },
  'few tokens': { max_output_tokens: 16 },
  'a tool': { tools: [tool] },
  'a tool that is required': { tools: [tool], tool_choice: 'required' },
  'a tool by name': { tools: [tool], tool_choice: { type: 'function', name: 'weather' }, parallel_tool_calls: false },
  'an answer of a tool': { tools: [tool], input: afterTool },
  'JSON by schema': { text: { format } },
  'a picture': {
    input: says([
      { type: 'input_text', text: 'What is it?' },
      { type: 'input_image', image_url: picture, detail: 'auto' },
    ]),
  },
  'nothing kept': { store: false },
  labels: { metadata: { a: 'b' } },
  'an effort': { reasoning: { effort: 'low' } },
}

export function responseQuestions(models: readonly string[]): Question[] {
  return models.flatMap((model) =>
    Object.entries(variants).flatMap(([name, fields]) => {
      const body = { model, input: 'Tell me of the chasm', ...fields }
      return [
        { name: `${name}, whole, of ${model}`, api: 'responses', path, body, form: whole },
        {
          name: `${name}, streamed, of ${model}`,
          api: 'responses',
          path,
          body: { ...body, stream: true },
          form: { stream: 'responses' },
        },
      ] satisfies Question[]
    }),
  )
}

/** One response, and all that can be done with it until it is gone. */
export function responseLife(model: string): Question[] {
  const kept = `${path}/{first}`
  const about = (name: string, rest: Omit<Question, 'name' | 'api'>): Question => ({ name, api: 'responses', ...rest })
  return [
    about('the first turn', { path, body: { model, input: 'One' }, form: whole, keeps: 'first' }),
    about('the second turn', { path, body: { model, input: 'Two', previous_response_id: '{first}' }, form: whole }),
    about('a response that was kept', { method: 'GET', path: kept, form: whole }),
    about('its items', {
      method: 'GET',
      path: `${kept}/input_items`,
      form: { status: 200, schema: 'ResponseItemList' },
    }),
    about('its events once more', { method: 'GET', path: `${kept}?stream=true`, form: { stream: 'responses' } }),
    about('a count of tokens', {
      path: `${path}/input_tokens`,
      body: { model, input: 'How many?' },
      form: { status: 200, schema: 'TokenCountsResource' },
    }),
    about('a conversation made short', {
      path: `${path}/compact`,
      body: { model, input: says('Once upon a time.') },
      form: { status: 200, schema: 'CompactResource', openResponses: 'CompactResource' },
    }),
    about('its end', { method: 'DELETE', path: kept, form: { status: 200 } }),
    about('a response that is gone', { method: 'GET', path: kept, form: refusedWith(404) }),
    about('a turn after a response that is gone', {
      path,
      body: { model, input: 'Three', previous_response_id: '{first}' },
      form: refusedWith(404),
    }),
    about('a response in the background', {
      path,
      body: { model, input: 'x', background: true },
      form: whole,
      keeps: 'second',
    }),
    about('its cancelling', { path: `${path}/{second}/cancel`, body: {}, form: whole }),
  ]
}

export function responseRefusals(model: string): Question[] {
  const refused = (name: string, status: number, more: Json, rest: Partial<Question> = {}): Question => ({
    ...{ name, api: 'responses', path, body: { model, input: 'Hi', ...more }, form: refusedWith(status) },
    ...rest,
  })
  return [
    refused('an unknown model of responses', 404, { model: 'gpt-17' }),
    refused('an unknown model of responses, streamed', 404, { model: 'gpt-17', stream: true }),
    refused('a wrong input', 400, { input: 7 }),
    refused('a conversation that is kept elsewhere', 400, { conversation: 'conv_1' }),
    refused('no key for a response', 401, {}, { key: null }),
  ]
}
