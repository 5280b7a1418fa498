/**
 * A model service on a loopback port, for tests of what calls one. Left alone it behaves like an OpenAI-compatible
 * server whose answers come from the demo provider; a scripted answer takes the place of its next one. It remembers
 * what it was asked and which requests were given up.
 */
import { DemoProvider, type DemoSettings, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import { readChat } from '../../../scout/providers/demo/request.ts'
import { ProviderError } from '../../../scout/providers/provider.ts'
import { faultTable } from '../../../shared/faults.ts'
import { realSystem } from '../../../shared/system.ts'
import type { TaskKind } from '../../../shared/task.ts'

interface SeenRequest {
  path: string
  headers: Headers
  body: Record<string, unknown>
  /** The body as it arrived. */
  text: string
}

/** Takes the place of the stand-in's own answer to one request. `signal` fires when the caller gives up. */
export type Scripted = (request: SeenRequest, signal: AbortSignal) => Response | Promise<Response>

export interface OpenAiStandIn {
  port: number
  /** With the version path. */
  baseURL: string
  seen: SeenRequest[]
  /** The next request is answered so. */
  script(answer: Scripted): void
  /** Resolves once a request was given up by its caller. */
  abandoned(): Promise<void>
  stop(): Promise<void>
}

export const identity = { id: 'chatcmpl-theirs', object: 'chat.completion', created: 1_700_000_000, model: 'theirs' }

/** `demo` sets the pace and the models of its own answers. */
export function startOpenAiStandIn(demo: Partial<DemoSettings> = {}): OpenAiStandIn {
  const settings = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0, ...demo }
  const provider = new DemoProvider(settings, realSystem())
  const seen: SeenRequest[] = []
  const scripts: Scripted[] = []
  const abandoned = Promise.withResolvers<void>()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      request.signal.addEventListener('abort', () => abandoned.resolve())
      const path = new URL(request.url).pathname
      const text = await request.text()
      const asked = { path, headers: request.headers, body: text === '' ? {} : JSON.parse(text), text }
      seen.push(asked)
      const script = scripts.shift()
      if (script) return script(asked, request.signal)
      if (path === '/v1/models') return listModels(settings.models)
      return ownAnswer(provider, asked, text, request.signal)
    },
  })
  return {
    port: server.port!,
    baseURL: `http://127.0.0.1:${server.port}/v1`,
    seen,
    script: (answer) => scripts.push(answer),
    abandoned: () => abandoned.promise,
    stop: () => server.stop(true),
  }
}

function listModels(models: readonly string[]): Response {
  return Response.json({ object: 'list', data: models.map((id) => ({ id, object: 'model', context_window: 8_192 })) })
}

async function ownAnswer(provider: DemoProvider, asked: SeenRequest, text: string, signal: AbortSignal) {
  const kind: TaskKind = asked.path === '/v1/embeddings' ? 'embed' : 'chat'
  const stream = asked.body.stream === true
  const request = { kind, model: String(asked.body.model), stream, body: new TextEncoder().encode(text) }
  try {
    if (stream) {
      // What is malformed is refused before a stream begins.
      readChat(asked.body)
      return events((send) => streamAnswer(provider, request, send, signal))
    }
    const { json } = await provider.answer(request, { line: async () => {} }, signal)
    return Response.json({ ...identity, ...JSON.parse(json), system_fingerprint: 'fp_theirs' })
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const { code, message, param } = error.fault
    const { status, type } = faultTable[code]
    return Response.json({ error: { message, type, param: param ?? null, code } }, { status })
  }
}

async function streamAnswer(
  provider: DemoProvider,
  request: Parameters<DemoProvider['answer']>[0],
  send: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const chunk = { ...identity, object: 'chat.completion.chunk' }
  const line = (json: string) => send(event({ ...chunk, usage: null, ...JSON.parse(json) }))
  const { json } = await provider.answer(request, { line }, signal)
  await send(`: a comment\n\n${event({ ...chunk, ...JSON.parse(json) })}data: [DONE]\n\n`)
}

export function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** A streamed chunk with one choice, as services send it. */
export function chunk(delta: object, finish: string | null = null, extras: object = {}): string {
  return event({ ...identity, choices: [{ index: 0, delta, finish_reason: finish }], ...extras })
}

/** A response of events; `write` sends them and its end is the response's end. `send` resolves as they are taken. */
export function events(write: (send: (text: string) => Promise<void>) => Promise<void>): Response {
  const encoder = new TextEncoder()
  let taken = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = async (text: string) => {
        if ((controller.desiredSize ?? 0) <= 0) {
          taken = Promise.withResolvers()
          await taken.promise
        }
        controller.enqueue(encoder.encode(text))
      }
      write(send).then(
        () => controller.close(),
        (error: unknown) => controller.error(error),
      )
    },
    pull: () => taken.resolve(),
    cancel: () => taken.reject(new Error('the reader is gone')),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
