/**
 * Requests to the hub that serves this page: JSON in and out, streams of server-sent events, and refusals as errors
 * with the hub's own sentence. Who asks is told by the session's cookie, which no script can read.
 */
import { signal } from '@preact/signals'

export class Refusal extends Error {
  constructor(
    /** Of HTTP; 0 for what did not come from the hub. */
    readonly status: number,
    message: string,
    /** By which the hub names what stands in the way; null without one. */
    readonly code: string | null = null,
  ) {
    super(message)
  }
}

/** Whatever was thrown, as something that can be shown. */
export function refusalIn(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal(0, String((error as Error)?.message ?? error))
}

/** Counts the answers by which who is signed in, or what that may do, is not what the page thinks. */
export const strangerAnswers = signal(0)

interface Asked {
  method?: string
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** Throws a `Refusal` for every status that is none of success, and for a hub that is away. */
export async function send(path: string, { method = 'GET', body, headers, signal }: Asked = {}): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: {
      // A form of another page cannot send this, and the hub asks for it with every write.
      ...(method !== 'GET' && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Refusal(0, 'The orchestrator cannot be reached at the moment.')
  })
  if (response.ok) return response
  // The routes of signing in refuse a signature or a key, not a session.
  if (response.status === 401 && !path.startsWith('/v1/auth')) strangerAnswers.value++
  throw await refusalOf(response)
}

export async function ask<T>(path: string, asked?: Asked): Promise<T> {
  const response = await send(path, asked)
  return (await response.json()) as T
}

async function refusalOf(response: Response): Promise<Refusal> {
  const body = (await response.json().catch(() => null)) as {
    error?: { message?: string; code?: string | null }
  } | null
  const text = body?.error?.message ?? `The orchestrator answered with status ${response.status}.`
  return new Refusal(response.status, text, body?.error?.code ?? null)
}

export interface ServerEvent {
  id: string
  type: string
  data: string
}

/** The hub says something every five seconds; a connection that is silent for so long is none any more. */
const silenceMs = 20_000

/** The events of a response as they arrive; ends with the response. Throws a refusal when nothing comes any more. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  if (response.body === null) return
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await withinSilence(reader.read())
      if (done) return
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const event = eventIn(block)
        if (event !== null) yield event
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function withinSilence<T>(read: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(0, 'The orchestrator has gone silent.')), silenceMs)
  })
  try {
    return await Promise.race([read, silence])
  } finally {
    clearTimeout(timer)
  }
}

function eventIn(block: string): ServerEvent | null {
  const event = { id: '', type: 'message', data: '' }
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ')
    if (at < 1) continue
    const value = line.slice(at + 2)
    if (line.startsWith('id')) event.id = value
    else if (line.startsWith('event')) event.type = value
    else if (line.startsWith('data')) event.data += value
  }
  return event.data === '' ? null : event
}
