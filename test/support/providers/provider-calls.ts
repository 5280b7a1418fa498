/**
 * Asking a Provider as the executor does, and reading what it said: for the contract suite and the tests of the
 * adapters.
 */
import { type AnswerWriter, type Provider, ProviderError } from '../../../scout/providers/provider.ts'
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are read field by field, as a client would
export type Json = Record<string, any>

interface Asking {
  kind?: TaskKind
  model?: string
  stream?: boolean
  signal?: AbortSignal
  /** Called with each line; the provider waits for it. */
  onLine?: (line: Json) => Promise<void>
}

/** A writer that keeps the lines. */
export function collector(onLine?: (line: Json) => Promise<void>): { lines: Json[]; writer: AnswerWriter } {
  const lines: Json[] = []
  const writer = {
    async line(json: string) {
      if (/[\r\n]/.test(json)) throw new Error('a line must not hold a line break')
      const line = JSON.parse(json)
      lines.push(line)
      await onLine?.(line)
    },
  }
  return { lines, writer }
}

export async function ask(
  provider: Provider,
  body: Json,
  { kind = 'chat', model = kind === 'chat' ? 'demo-small' : 'demo-embed', stream = false, ...rest }: Asking = {},
): Promise<{ answer: Json; lines: Json[] }> {
  const { lines, writer } = collector(rest.onLine)
  const request = { kind, model, stream, body: new TextEncoder().encode(JSON.stringify(body)) }
  const { json } = await provider.answer(request, writer, rest.signal ?? new AbortController().signal)
  return { answer: JSON.parse(json), lines }
}

/** The fault with which `work` fails; anything else that happens fails the test. */
export async function failure(work: Promise<unknown>): Promise<Fault> {
  try {
    await work
  } catch (error) {
    if (error instanceof ProviderError) return error.fault
    throw error
  }
  throw new Error('it should have failed')
}
