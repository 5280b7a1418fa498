/**
 * From what a client asked for to a plan of tasks: a question, a conversation, a template with its params, or a scroll
 * of the client's own. The client edge calls it with a body whose own fields it has checked and with the live
 * catalogue; the engine carries the plan out.
 */

import { type Fault, fault } from '../../shared/faults.ts'
import { budgetTokensMin } from '../../shared/limits/planner.ts'
import { autoModel } from '../../shared/task.ts'
import { atOnce, type Steps } from '../../shared/turn-lane.ts'
import type { BudgetedPlan, PlanAsked, PlanContext, RequestCheck } from '../engine/ports/planner.ts'
import { scrollPlanning } from './scroll/scroll.ts'
import { autoPlan } from './templates/auto.ts'
import { singlePlan, triesPlan } from './templates/template.ts'
import { scrollOf, type TemplateContext, templateNames } from './templates/templates.ts'

type Json = Record<string, unknown>

/** What planning needs to know, however it is carried out. */
type Circumstances = Omit<PlanContext, 'soon'>

/** The plan, or what is wrong with it. `asked` holds one of `request`, `input`, `messages`, `template` and `scroll`. */
export function plan(asked: PlanAsked, context: Circumstances): BudgetedPlan | Fault {
  return atOnce(planning(asked, context))
}

/** The same, with a turn of the loop for others after each node: a scroll of a client's may hold hundreds. */
export async function planInTurns(asked: PlanAsked, context: PlanContext): Promise<BudgetedPlan | Fault> {
  const steps = planning(asked, context)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value as BudgetedPlan | Fault
    await context.soon()
  }
}

function* planning(asked: PlanAsked, context: Circumstances): Steps<BudgetedPlan | Fault> {
  const { input, messages, scroll, template } = asked
  const { check, lacksAudits = false } = context
  if (asked.request) return triesPlan(asked.request, asked.tries, context.deadlineMs)
  const model = asked.model ?? autoModel
  if (template) return yield* templatePlan(template, { ...asked, model }, context)
  if (messages) return singlePlan(messages, model, 'messages')
  if (typeof input === 'string') return singlePlan([{ role: 'user', content: input }], model, 'input')
  return yield* scrollPlanning(scroll, { model, check, lacksAudits })
}

function* templatePlan(
  template: string,
  asked: PlanAsked & { model: string },
  context: Circumstances,
): Steps<BudgetedPlan | Fault> {
  const { check, catalog, deadlineMs } = context
  const { model, manner = {}, lastManner = {} } = asked
  const name = templateNames.find((known) => known === template)
  if (name === undefined && template !== 'auto') {
    const text = `\`template\` must be one of ${['auto', ...templateNames].join(', ')}.`
    return fault('invalid_request', text, { param: 'template' })
  }
  const params = asked.params ?? {}
  const conversation = messagesOf(params, check)
  if (!Array.isArray(conversation)) return conversation
  const about: TemplateContext = { messages: conversation, model, catalog, manner, lastManner }
  if (name === undefined) return planningPlan(params, about, deadlineMs)
  const scroll = scrollOf(name, params, about)
  return 'code' in scroll ? (scroll as unknown as Fault) : yield* scrollPlanning(scroll, { model, check })
}

function planningPlan(params: Json, about: TemplateContext, deadlineMs: number): BudgetedPlan | Fault {
  const { planner = null, budget_tokens: budget = null } = params
  if (planner !== null && typeof planner !== 'string') return unfit('planner', 'must be the name of a model')
  if (budget !== null && !(Number.isSafeInteger(budget) && (budget as number) >= budgetTokensMin)) {
    return unfit('budget_tokens', `must be a whole number of at least ${budgetTokensMin}`)
  }
  const budgetTokens = budget as number | null
  const made = autoPlan(about, { planner, deadlineMs, budgetTokens })
  return 'code' in made || budgetTokens === null ? made : { ...made, budgetTokens }
}

function unfit(name: string, wish: string): Fault {
  return fault('invalid_request', `\`params.${name}\` ${wish}.`, { param: `params.${name}` })
}

/** The conversation a template is about. A template of a document alone may have none. */
function messagesOf(params: Json, check: RequestCheck): Json[] | Fault {
  const { input, messages } = params
  if (input !== undefined && messages !== undefined) return unfit('messages', 'cannot stand beside `input`')
  if (typeof input === 'string' && input !== '') return [{ role: 'user', content: input }]
  if (input !== undefined) return unfit('input', 'must be a string that is not empty')
  if (messages === undefined) {
    if (typeof params.document === 'string') return []
    return unfit('input', 'is required: say what is asked, there or as `messages`')
  }
  const refused = check('chat', { model: autoModel, messages })
  if (refused !== null)
    return { ...refused, param: `params.${refused.param}`, message: `In \`params\`: ${refused.message}` }
  return messages as Json[]
}
