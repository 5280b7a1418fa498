/**
 * A loopback server that speaks the dialect of one model service, told by a table: its lists, the shape of its chunks,
 * where it puts usage, how it calls tools, how it says what is wrong. `hosted-dialects.ts` and `local-dialects.ts` hold
 * the tables, each quirk with the place where it was read; the tests of the adapters run against all of them.
 */
import type { ServiceName } from '../../../scout/providers/dialects.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { Offer } from '../../../shared/task.ts'

/** An error as the service says it, and what it is to become. */
interface DialectError {
  what: string
  status: number
  headers?: Record<string, string>
  body: unknown
  fault: FaultCode
  retryAfterMs?: number
  /** Whether it is about the model or the account, so that every request fails so. */
  lasts?: boolean
  source: string
}

/** An answer in the service's own chunks (a string is sent as it is) and in one piece. */
interface DialectAnswer {
  chunks: readonly (object | string)[]
  whole: object
  source: string
}

export interface Dialect {
  name: ServiceName
  /** Where its OpenAI API begins. */
  path: string
  /** Whether it answers 401 without this key. */
  key: string | null
  /** By method and path: what the service answers beside completions. */
  answers: Readonly<Record<string, unknown>>
  /** Fields for which it refuses a request. */
  refuses: readonly string[]
  /** The service's own name of the model that `offers` lists first. */
  model: string
  offers: readonly Partial<Offer>[]
  /** Says "Three." and counts 12 tokens in all. */
  text: DialectAnswer
  /** Calls `weather` for Oslo, then for Rome. */
  tools: DialectAnswer
  errors: readonly DialectError[]
  /** An error in the middle of a stream. */
  broken: { chunk: object; fault: FaultCode; source: string }
}

interface Seen {
  path: string
  headers: Headers
  body: Record<string, unknown>
}

export interface DialectStandIn {
  baseURL: string
  seen: Seen[]
  /** The next completion fails so, and what lasts fails so until `recover`. */
  fail(error: DialectError): void
  recover(): void
  /** The next stream breaks after its first chunk. */
  breakNext(): void
  stop(): Promise<void>
}

export function startDialectStandIn(dialect: Dialect): DialectStandIn {
  const seen: Seen[] = []
  const failures: DialectError[] = []
  let breaks = false
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname
      const text = await request.text()
      const body = text === '' ? {} : JSON.parse(text)
      seen.push({ path, headers: request.headers, body })
      const failure = path.endsWith('/completions') ? failures[0] : undefined
      if (failure && !failure.lasts) failures.shift()
      if (failure) return Response.json(failure.body, { status: failure.status, headers: failure.headers ?? {} })
      const refusal = refused(dialect, path, request.headers, body)
      if (refusal) return refusal
      if (path !== `${dialect.path}/chat/completions`) return told(dialect, `${request.method} ${path}`, body)
      const { chunks, whole } = body.tools ? dialect.tools : dialect.text
      if (!body.stream) return Response.json(whole)
      const sent = breaks ? [chunks[0]!, dialect.broken.chunk] : chunks
      breaks = false
      return events(sent)
    },
  })
  return {
    baseURL: `http://127.0.0.1:${server.port}${dialect.path}`,
    seen,
    fail: (error) => failures.push(error),
    recover() {
      failures.length = 0
    },
    breakNext() {
      breaks = true
    },
    stop: () => server.stop(true),
  }
}

/** A list that is open to everyone is so here too. */
function refused({ key, path: root, answers, refuses }: Dialect, path: string, headers: Headers, body: object) {
  const isOpen = path === `${root}/models` && `GET ${root}/key` in answers
  if (key !== null && !isOpen && headers.get('authorization') !== `Bearer ${key}`) {
    const error = { message: 'Invalid API Key gsk-wrong', type: 'invalid_request_error', code: 'invalid_api_key' }
    return Response.json({ error }, { status: 401 })
  }
  const field = refuses.find((name) => name in body)
  if (field === undefined) return null
  const message = `property '${field}' is unsupported`
  return Response.json({ error: { message, type: 'invalid_request_error' } }, { status: 400 })
}

function told({ answers }: Dialect, route: string, { model }: Record<string, unknown>): Response {
  const answer = answers[`${route} ${model}`] ?? answers[route]
  return answer === undefined ? new Response('404 page not found', { status: 404 }) : Response.json(answer)
}

function events(chunks: readonly (object | string)[]): Response {
  const texts = chunks.map((chunk) => (typeof chunk === 'string' ? chunk : `data: ${JSON.stringify(chunk)}\n\n`))
  return new Response(`${texts.join('')}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } })
}

const oslo = '{"city":"Oslo"}'
const rome = '{"city":"Rome"}'

/** Most of a chunk is alike everywhere: `said` is a choice’s delta, `finish` its end, `more` what else is in it. */
export function chunkOf(said: object, finish: string | null = null, more: object = {}): object {
  const choices = [{ index: 0, delta: said, logprobs: null, finish_reason: finish }]
  return {
    id: 'chatcmpl-7',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'theirs',
    choices,
    ...more,
  }
}

export function wholeOf(message: object, finish: string, more: object = {}): object {
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason: finish }]
  return { id: 'chatcmpl-7', object: 'chat.completion', created: 1_700_000_000, model: 'theirs', choices, ...more }
}

export const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }

/** Both calls as OpenAI says them; `more` is what a service writes beside them. */
export function callsOf(finish = 'tool_calls', more: object = {}): object {
  const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'weather', arguments: text } })
  return wholeOf({ content: null, tool_calls: [call('call_1', oslo), call('call_2', rome)] }, finish, {
    usage,
    ...more,
  })
}

/** Both calls, each whole in one piece; `change` makes of them what a service makes of them. */
export function callPieces(change: (call: { index: number; id: string; type: string }) => object): object[] {
  return [oslo, rome].map((text, index) => {
    const call = change({ index, id: `call_${index + 1}`, type: 'function' })
    return chunkOf({
      role: 'assistant',
      content: null,
      tool_calls: [{ ...call, function: { name: 'weather', arguments: text } }],
    })
  })
}
