/** One request of the corpus, and which published form its answer must have. `corpus.ts` asks them. */

export type Json = Record<string, unknown>

/** The form of an answer; one that has no published form has to be JSON. Streams name what they consist of. */
type Form = { status: number; schema?: string; openResponses?: string } | { stream: 'chat' | 'text' | 'responses' }

export interface Question {
  name: string
  /** Of the API that it belongs to: the part of its path that tells. */
  api: 'chat' | 'embeddings' | 'models' | 'completions' | 'responses'
  method?: 'GET' | 'POST' | 'DELETE'
  /** May name what an earlier answer was given as, see `keeps`. */
  path: string
  body?: Json | string
  /** In place of the client's key; null for none. */
  key?: string | null
  headers?: Record<string, string>
  form: Form
  /** The answer's id is put in place of `{name}` in the paths and bodies of the questions behind this one. */
  keeps?: string
}

export const chatAnswer = { status: 200, schema: 'CreateChatCompletionResponse' }
export function refusedWith(status: number): Form {
  return { status, schema: 'ErrorResponse' }
}

export function says(content: unknown): { role: string; content: unknown }[] {
  return [{ role: 'user', content }]
}

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 3 } },
  required: ['city', 'days'],
  additionalProperties: false,
}
export const weather = {
  type: 'function',
  function: { name: 'weather', description: 'The weather to come', parameters },
}
export const schema = { name: 'forecast', strict: true, schema: parameters }
export const picture = 'data:image/png;base64,iVBORw0KGgo='
