/**
 * The request of a task whose needs are done: the results are put before what its author wrote, in the order in which
 * it names them. A request without needs goes out as it came in.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { bodyBytesMax } from '../../shared/limits.ts'
import type { TaskKind } from '../../shared/task.ts'
import { textOf } from './assemble.ts'
import type { Store } from './store-port.ts'

interface Parent {
  node: string
  task: number
}

/** The bytes to send, or why they cannot be made. */
export function renderRequest(
  store: Store,
  task: number,
  kind: TaskKind,
  parents: readonly Parent[],
): Uint8Array | Fault {
  const request = store.request(task)
  if (request === undefined) return fault('internal_error', 'The request of this task is missing from the store.')
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
  const body = JSON.parse(Buffer.from(request).toString('utf8')) as { messages?: unknown[]; input?: unknown }
  const rendered =
    kind === 'embed'
      ? { ...body, input: results.map(({ text }) => text) }
      : { ...body, messages: [...results.map(asMessage), ...(body.messages ?? [])] }
  const bytes = Buffer.from(JSON.stringify(rendered))
  return bytes.length <= bodyBytesMax ? bytes : tooLarge
}

const tooLarge = fault(
  'request_too_large',
  `The results that this task needs make its request larger than ${bodyBytesMax} bytes.`,
)

function asMessage({ node, text }: { node: string; text: string }): object {
  return { role: 'user', content: `Result of "${node}":\n\n${text}` }
}
