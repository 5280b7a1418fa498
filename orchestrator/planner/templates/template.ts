/**
 * Plans without planning: one question becomes one task. This is what `input` and `messages` of an intent mean; the
 * edge has checked both by the same schemas as a chat completion.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Plan, PlannedRequest, PlannedTask } from '../../engine/ports/planner.ts'
import { RequestBytes } from '../request/request.ts'

/** The only node of the plan. */
const node = 'answer'

/** The plan with one node, `answer`. Fails only when the written-out request is too large; `param` names its source. */
export function singlePlan(messages: unknown[], model: string, param: string): Plan | Fault {
  return requestPlan({ model, messages }, param)
}

/** The same with one chat request as it is to be sent. */
export function requestPlan(sent: PlannedRequest, param: string): Plan | Fault {
  const request = new TextEncoder().encode(JSON.stringify(sent))
  const { model } = sent
  const task: PlannedTask = { node, kind: 'chat', model, needs: [], request }
  const tooMuch = new RequestBytes().add(task, `\`${param}\``, param)
  return tooMuch ?? { tasks: [task], resultNode: node }
}
