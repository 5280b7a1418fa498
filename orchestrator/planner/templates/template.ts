/**
 * Plans without planning: one question becomes one task. This is what `input` and `messages` of an intent mean; the
 * edge has checked both by the same schemas as a chat completion.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Plan, PlannedRequest, PlannedTask, PlannedTry, Terms } from '../../engine/ports/planner.ts'
import { RequestBytes } from '../request/request.ts'
import { controlTask } from '../scroll/control-spec.ts'

/** The only node of the plan. */
const node = 'answer'

/** The plan with one node, `answer`. Fails only when the written-out request is too large; `param` names its source. */
export function singlePlan(messages: unknown[], model: string, param: string): Plan | Fault {
  return requestPlan({ model, messages }, param)
}

/** The same with one chat request as it is to be sent. */
function requestPlan(sent: PlannedRequest, param: string, terms: Terms = {}): Plan | Fault {
  const request = new TextEncoder().encode(JSON.stringify(sent))
  const { model } = sent
  return planOf({ node, kind: 'chat', model, needs: [], request, ...terms }, param)
}

/** A request that is asked in several ways in turn; each but the last has its share of the time. */
export function triesPlan(sent: PlannedRequest, tries: readonly PlannedTry[] = [], deadlineMs: number): Plan | Fault {
  const [first, ...others] = tries
  if (first === undefined) return requestPlan(sent, 'input')
  if (others.length === 0) return requestPlan({ ...sent, model: first.model }, 'input', first.terms)
  const shareMs = Math.max(1, Math.floor(deadlineMs / tries.length))
  const timed = tries.map(({ model, terms }, at) => {
    return { model, terms: at === others.length ? terms : { ...terms, deadlineMs: shareMs } }
  })
  return planOf(controlTask(node, [], { type: 'tries', request: sent, tries: timed }), 'input')
}

function planOf(task: PlannedTask, param: string): Plan | Fault {
  const tooMuch = new RequestBytes().add(task, `\`${param}\``, param)
  return tooMuch ?? { tasks: [task], resultNode: node }
}
