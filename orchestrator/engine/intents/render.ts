/**
 * Makes the request of a task whose needs are done: their results are put before what its author wrote, in the order in
 * which it names them, or where the author's templates place them. A plain request without needs is sent as it was
 * received. An answer that broke its contract is quoted at the end, with what is wrong with it.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { textOf } from '../answers/assemble.ts'
import type { Render, Terms } from '../ports/planner.ts'
import type { IntentStore } from '../ports/store.ts'
import type { Repair } from './durable-sink.ts'

interface Parent {
  node: string
  task: number
}

interface Rendering {
  store: Pick<IntentStore, 'request' | 'result'>
  task: number
  kind: TaskKind
  parents: readonly Parent[]
  terms: Terms
  /** null in a hub that was given no planner. */
  render: Render | null
  repair: Repair | null
}

interface Body {
  messages?: unknown[]
  input?: unknown
}

/** The bytes to send, or why they cannot be made. */
export function renderRequest(rendering: Rendering): Uint8Array | Fault {
  const bytes = rendered(rendering)
  if (!(bytes instanceof Uint8Array) || rendering.repair === null) return bytes
  const body = readBody(bytes)
  const { answer, error } = rendering.repair
  const again = `${error} Answer once more: give the whole answer, put right, and nothing else.`
  const asked = [
    { role: 'assistant', content: answer },
    { role: 'user', content: again },
  ]
  const repaired = Buffer.from(JSON.stringify({ ...body, messages: [...(body.messages ?? []), ...asked] }))
  // Too long to quote: the question is asked again alone.
  return repaired.length <= bodyBytesMax ? repaired : bytes
}

function rendered({ store, task, kind, parents, terms, render }: Rendering): Uint8Array | Fault {
  const request = store.request(task)
  if (request === undefined) return fault('internal_error', 'The request of this task is missing from the store.')
  if (terms.isTemplate && render !== null) {
    const results = parents.map(({ node, task: parent }) => ({ node, text: textOf(store.result(parent)!) }))
    const contextTokens = terms.requires?.contextTokensMin ?? 0
    return bounded(render({ kind, request, parents: results, contextTokens }))
  }
  if (parents.length === 0) return request
  const results: { node: string; text: string }[] = []
  let chars = 0
  for (const { node, task: parent } of parents) {
    const text = textOf(store.result(parent)!)
    chars += text.length
    // Before anything is built of it: dozens of results may be dozens of times too large together.
    if (chars > bodyBytesMax) return tooLarge
    results.push({ node, text })
  }
  const body = readBody(request)
  const filled =
    kind === 'embed'
      ? { ...body, input: results.map(({ text }) => text) }
      : { ...body, messages: [...results.map(asMessage), ...(body.messages ?? [])] }
  return bounded(Buffer.from(JSON.stringify(filled)))
}

function readBody(bytes: Uint8Array): Body {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Body
}

function bounded(bytes: Uint8Array | Fault): Uint8Array | Fault {
  return bytes instanceof Uint8Array && bytes.length > bodyBytesMax ? tooLarge : bytes
}

const tooLarge = fault(
  'request_too_large',
  `The results that this task needs make its request larger than ${bodyBytesMax} bytes.`,
)

function asMessage({ node, text }: { node: string; text: string }): object {
  return { role: 'user', content: `Result of "${node}":\n\n${text}` }
}
