/**
 * What concerns single nodes of an intent, and its plan before it runs: the dry run, the result of one node, and
 * another try at a node that failed.
 */
import { fault } from '../../../shared/faults.ts'
import { intentDeadlineMs } from '../../../shared/limits/intents.ts'
import type { PlannedTask } from '../../engine/ports/planner.ts'
import type { RequestContext } from '../request-context.ts'
import { nodeResult } from '../response/intent-view.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readDurable } from '../schema/body.ts'
import { type IntentFields, intentRequest } from '../schema/intent-request.ts'
import { behindModel } from '../schema/virtual-models.ts'
import { planContext } from './accept-plan.ts'
import { getIntent, noSuchIntent, viewerOf } from './intents.ts'

/** A dry run: the plan, and what it is likely to take. Nothing is stored and nobody is asked. */
export async function planIntent(asker: RequestContext): Promise<Response> {
  const { id, edge } = asker
  const body = await readDurable(asker, intentRequest)
  if ('code' in body) return refuse(id, body)
  const fields = behindModel(body.value as IntentFields)
  const context = planContext(asker, fields.deadline_ms ?? intentDeadlineMs)
  const plan = await edge.planner.plan(fields, context)
  if ('code' in plan) return refuse(id, plan)
  const { tasks, promptTokens, completionTokens, dollars, durationMs } = edge.planner.estimate(plan, context.catalog)
  const expected = {
    tasks,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
    dollars,
    duration_ms: durationMs,
  }
  const shown = { object: 'plan', result_node: plan.resultNode, nodes: plan.tasks.map(shownPlanned), expected }
  return jsonResponse(id, JSON.stringify(shown))
}

function shownPlanned({ node, kind, model, needs, request, control, requires, attemptsMax, deadlineMs }: PlannedTask) {
  const content = control ?? (JSON.parse(Buffer.from(request).toString('utf8')) as unknown)
  const limits = { requires: requires ?? null, attempts: attemptsMax ?? null, deadline_ms: deadlineMs ?? null }
  return { node, kind, model, needs, control: control !== undefined, ...limits, content }
}

export function getNode(context: RequestContext): Response {
  const { id, edge, params } = context
  const view = edge.intents.intent(params.id, viewerOf(context))
  if (view === undefined) return noSuchIntent(context)
  context.noteLook(view.id, view.tenant)
  const task = edge.intents.tasks(params.id).find((candidate) => candidate.node === params.node)
  if (task === undefined) return refuse(id, noSuchNode)
  return jsonResponse(id, nodeResult(view, task, edge.intents.result(params.id, params.node)))
}

/** What its scout is asked, as far as that is kept; before its needs are done it may hold references to them. */
export function getNodeRequest(context: RequestContext): Response {
  const { id, edge, params } = context
  const view = edge.intents.intent(params.id, viewerOf(context))
  if (view === undefined) return noSuchIntent(context)
  context.noteLook(view.id, view.tenant)
  const request = edge.intents.request(params.id, params.node)
  if (request === undefined) return refuse(id, noSuchNode)
  return jsonResponse(id, new Uint8Array(request))
}

/** What is done stays; the node and what was skipped on its account run again. */
export async function retryNode(context: RequestContext): Promise<Response> {
  const { id, edge, params } = context
  const viewer = viewerOf(context)
  if (edge.intents.intent(params.id, viewer) === undefined) return noSuchIntent(context)
  if (!edge.intents.tasks(params.id).some((candidate) => candidate.node === params.node)) return refuse(id, noSuchNode)
  const refused = await edge.intents.retry(params.id, params.node, viewer)
  return refused === null ? getIntent(context) : refuse(id, refused)
}

const noSuchNode = fault('not_found', 'The intent has no such node: GET /v1/intents/{id} lists its nodes.', {
  param: 'node',
})
