/**
 * Makes the request of a task whose needs are done: their results are put before what its author wrote, in the order in
 * which it names them, or where the author's templates place them. A plain request without needs is sent as it was
 * received. An answer that broke its contract is quoted at the end, with what is wrong with it. It is made in steps,
 * because results may be long: two for each of them.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { textOf } from '../../../shared/json/answer-text.ts'
import { decisionStepBytes, nodeResultsBytesMax } from '../../../shared/limits/intents.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { isInSteps, type Steps } from '../../../shared/turn-lane.ts'
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
  node: string
  kind: TaskKind
  parents: readonly Parent[]
  terms: Terms
  /** null in a hub that was given no planner. */
  render: Render | null
  repair: Repair | null
  /** Told of the bytes that are read for it, and of those that are made. */
  spend: (bytes: number) => void
}

interface Body {
  messages?: unknown[]
  input?: unknown
}

/** The bytes to send, or why they cannot be made. */
export function* renderRequest(rendering: Rendering): Steps<Uint8Array | Fault> {
  const bytes = yield* rendered(rendering)
  if (bytes instanceof Uint8Array) rendering.spend(bytes.length)
  if (!(bytes instanceof Uint8Array) || rendering.repair === null) return bytes
  const { answer, error } = rendering.repair
  // Too long to quote, here and below: the question is asked again alone.
  if (bytes.length + answer.length + error.length > bodyBytesMax) return bytes
  const body = readBody(bytes)
  const again = `${error} Answer once more: give the whole answer, put right, and nothing else.`
  const asked = [
    { role: 'assistant', content: answer },
    { role: 'user', content: again },
  ]
  const repaired = Buffer.from(JSON.stringify({ ...body, messages: [...(body.messages ?? []), ...asked] }))
  return repaired.length <= bodyBytesMax ? repaired : bytes
}

function* rendered({ store, task, node, kind, parents, terms, render, spend }: Rendering): Steps<Uint8Array | Fault> {
  const request = store.request(task)
  if (request === undefined) return fault('internal_error', 'The request of this task is missing from the store.')
  const isTemplate = terms.isTemplate === true && render !== null
  if (parents.length === 0 && !isTemplate) return request
  const results = yield* resultsOf({ store, spend }, parents)
  if (results === null) return tooLarge(node)
  if (isTemplate) {
    const contextTokens = terms.requires?.contextTokensMin ?? 0
    const made = render({ node, kind, request, parents: results, contextTokens })
    return bounded(node, isInSteps(made) ? yield* paced(made, spend) : made)
  }
  let room = bodyBytesMax - request.length
  for (const { text } of results) {
    room -= text.length
    if (room < 0) return tooLarge(node)
  }
  const body = readBody(request)
  const filled =
    kind === 'embed'
      ? { ...body, input: results.map(({ text }) => text) }
      : { ...body, messages: [...results.map(asMessage), ...(body.messages ?? [])] }
  return bounded(node, Buffer.from(JSON.stringify(filled)))
}

/** The planner's steps, each of which counts as much as it may take; only what takes long has several. */
export function* paced<T>(steps: Steps<T>, spend: (bytes: number) => void): Steps<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    spend(decisionStepBytes)
    yield
  }
}

/** What the parents said; null when that is too long, before anything is made of it. */
function* resultsOf(
  { store, spend }: Pick<Rendering, 'store' | 'spend'>,
  parents: readonly Parent[],
): Steps<{ node: string; text: string }[] | null> {
  const results: { node: string; result: Uint8Array }[] = []
  let bytes = 0
  for (const { node, task } of parents) {
    const result = store.result(task)!
    bytes += result.length
    spend(result.length)
    if (bytes > nodeResultsBytesMax) return null
    results.push({ node, result })
    yield
  }
  const texts: { node: string; text: string }[] = []
  for (const { node, result } of results) {
    texts.push({ node, text: textOf(result) })
    spend(result.length)
    yield
  }
  return texts
}

function readBody(bytes: Uint8Array): Body {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Body
}

function bounded(node: string, bytes: Uint8Array | Fault): Uint8Array | Fault {
  return bytes instanceof Uint8Array && bytes.length > bodyBytesMax ? tooLarge(node) : bytes
}

function tooLarge(node: string): Fault {
  const text = `The results that node "${node}" needs make its request larger than ${bodyBytesMax} bytes`
  return fault('request_too_large', `${text}: ask for shorter answers.`)
}

function asMessage({ node, text }: { node: string; text: string }): object {
  return { role: 'user', content: `Result of "${node}":\n\n${text}` }
}
