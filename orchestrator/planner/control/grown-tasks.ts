/**
 * The tasks that a control node adds to its scroll, made of templates and what fills them. What all of them will hold
 * is added up before the first is built: a list made by a model, put into a long prompt, may ask for gigabytes.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { decisionStepBytes, expansionBytesMax } from '../../../shared/limits/intents.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { PlannedTask } from '../../engine/ports/planner.ts'
import { type Binding, fillChars, type RequestTemplate, taskOf, templateChars } from '../request/request-template.ts'

export interface Wanted {
  name: string
  template: RequestTemplate
  binding?: Binding
}

/** The tasks, or why node `node` cannot grow into them. */
export function* grownTasks(node: string, wanted: readonly Wanted[]): Steps<PlannedTask[] | Fault> {
  const sizes = new Map<RequestTemplate, number>()
  let chars = 0
  for (const { name, template, binding = {} } of wanted) {
    let size = sizes.get(template)
    if (size === undefined) {
      size = templateChars(template, expansionBytesMax)
      sizes.set(template, size)
    }
    const one = size + fillChars(template, binding, expansionBytesMax)
    if (one > bodyBytesMax) {
      const text = `Node "${name}", which node "${node}" would add, asks with more than ${bodyBytesMax} bytes.`
      return fault('request_too_large', `${text} Shorten the prompt, or what it is given.`)
    }
    chars += one
    if (chars > expansionBytesMax) {
      const text = `Node "${node}" would add requests of more than ${expansionBytesMax} bytes to its scroll at once.`
      return fault('request_too_large', `${text} Shorten the prompt, or let it ask about fewer items.`)
    }
  }
  const tasks: PlannedTask[] = []
  let bytes = 0
  for (const { name, template, binding } of wanted) {
    const task = taskOf(name, template, binding)
    tasks.push(task)
    bytes += task.request.length
    if (bytes < decisionStepBytes) continue
    bytes = 0
    yield
  }
  return tasks
}
