/**
 * The plan that begins with planning: one node asks a strong model for a scroll and becomes it. Planning is held to a
 * share of the intent's time and tokens; what it may not exceed is written into its tasks here.
 */
import type { Fault } from '../../../shared/faults.ts'
import {
  planBudgetShare,
  planModelsMax,
  planMsMax,
  planProposalsMax,
  planRequestCharsMax,
  planTimeShare,
  planTokensMax,
} from '../../../shared/limits/planner.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Plan } from '../../engine/ports/planner.ts'
import { catalogText, chatModels } from '../catalog.ts'
import { RequestBytes } from '../request/request.ts'
import type { RequestTemplate } from '../request/request-template.ts'
import { controlTask, type PlanSpec } from '../scroll/control-spec.ts'
import { textOfConversation } from '../text/conversation.ts'
import { plannerPrompt } from '../text/prompts.ts'
import { cutText } from '../text/split.ts'
import type { TemplateContext } from './templates.ts'

/** The name of the form in which proposals are asked for; the demo provider knows it. */
const proposalName = 'chasm_scroll'

const proposalSchema = {
  type: 'object',
  properties: {
    single: { type: 'boolean' },
    why: { type: 'string' },
    nodes: { type: 'array', items: { type: 'object' } },
    result: { type: 'string' },
  },
}

export interface PlanningShare {
  /** The model that plans; the strongest there is when null. */
  planner: string | null
  /** How long the whole intent may take. */
  deadlineMs: number
  budgetTokens: number | null
}

const node = 'answer'

/** The plan with one node, `answer`, that is planned when it runs. */
export function autoPlan(context: TemplateContext, share: PlanningShare): Plan | Fault {
  const { messages, model, catalog, manner, lastManner } = context
  const planner = share.planner ?? chatModels(catalog)[0]?.id ?? autoModel
  const input = textOfConversation(messages)
  const single = chatTemplate(model, { model, messages, ...manner, ...lastManner })
  const budgetShare =
    share.budgetTokens === null ? planTokensMax : (share.budgetTokens * planBudgetShare) / planProposalsMax
  const asked = [
    { role: 'system', content: plannerPrompt(catalogText(catalog, planModelsMax)) },
    { role: 'user', content: cutText(input, planRequestCharsMax) },
  ]
  const work = chatTemplate(planner, {
    model: planner,
    messages: asked,
    max_tokens: Math.max(1, Math.floor(Math.min(planTokensMax, budgetShare))),
    temperature: 0,
    response_format: { type: 'json_schema', json_schema: { name: proposalName, schema: proposalSchema } },
  })
  work.terms.deadlineMs = Math.max(1, Math.floor(Math.min(planMsMax, share.deadlineMs * planTimeShare)))
  work.terms.attemptsMax = 1
  const models = [...new Set([autoModel, ...catalog.map(({ id }) => id)])]
  const spec: PlanSpec = { type: 'plan', work, input, model, models, single }
  const task = controlTask(node, [], spec)
  const tooMuch = new RequestBytes().add(task, 'what the planner is told', 'messages')
  return tooMuch ?? { tasks: [task], resultNode: node }
}

function chatTemplate(model: string, request: Record<string, unknown>): RequestTemplate {
  return { kind: 'chat', model, request, fills: [], terms: {}, needs: [] }
}
