/**
 * From what a client asked for to a plan of tasks. The client edge calls it with a body whose own fields it has
 * checked; the engine carries the plan out. A scroll is a stranger's drawing, and `scroll.ts` checks it.
 */
import type { Fault } from '../../shared/faults.ts'
import { autoModel } from '../../shared/task.ts'
import type { Plan } from '../engine/intents-port.ts'
import type { RequestCheck } from './request.ts'
import { planScroll } from './scroll.ts'
import { singlePlan } from './template.ts'

interface Asked {
  input?: string | null
  messages?: unknown[] | null
  scroll?: unknown
  /** For every task that names none. */
  model?: string | null
}

/** The plan, or what is wrong with the scroll. `asked` holds exactly one of `input`, `messages` and `scroll`. */
export function plan(asked: Asked, check: RequestCheck): Plan | Fault {
  const { input, messages, scroll } = asked
  const model = asked.model ?? autoModel
  if (messages) return singlePlan(messages, model, 'messages')
  if (typeof input === 'string') return singlePlan([{ role: 'user', content: input }], model, 'input')
  return planScroll(scroll, model, check)
}
