/**
 * Conversions between what a client submits, what the store keeps, and what the core and the viewers of an intent get.
 * Pure.
 */
import type { Fault } from '../../../shared/faults.ts'
import { usageSumMax } from '../../../shared/limits/answers.ts'
import { isTerminalState } from '../../../shared/task-state.ts'
import type { Accept, AcceptedTask, TaskTerms } from '../../core/events.ts'
import { unreadable } from '../durability/set-aside.ts'
import type { IntentSubmission, IntentView, TaskView, Viewer } from '../ports/intents.ts'
import type { PlannedTask, Terms } from '../ports/planner.ts'
import type { IntentRow, OpenIntent, SummedIntent, TaskRow } from '../ports/store.ts'

function readJson<T>(text: string): T {
  return JSON.parse(text) as T
}

/** For views: a row that was damaged is shown without what cannot be read. */
function readJsonOr<T>(text: string, otherwise: T): T {
  try {
    return readJson<T>(text)
  } catch {
    return otherwise
  }
}

export function intentRow(submission: IntentSubmission, id: string, nowMs: number): IntentRow {
  const { tenant, plan, priority, deadlineMs, metadata } = submission
  return {
    id,
    tenant,
    state: 'running',
    priority,
    createdMs: nowMs,
    deadlineMs: nowMs + deadlineMs,
    finishedMs: null,
    metadata: JSON.stringify(metadata),
    fault: null,
    resultNode: plan.resultNode,
    budgetTokens: submission.budgetTokens ?? null,
    key: submission.key?.id ?? tenant,
  }
}

/** The bytes to keep of a task: its request, or the spec of a control node. */
export function keptRequest({ request, control }: PlannedTask): Uint8Array {
  return control === undefined ? request : Buffer.from(JSON.stringify(control))
}

export function taskRow(intent: string, task: number, planned: PlannedTask): TaskRow {
  const { node, kind, model, needs, control } = planned
  const isControl = control !== undefined
  return {
    task,
    intent,
    node,
    kind,
    model,
    needs: JSON.stringify(needs),
    state: isControl || needs.length > 0 ? 'blocked' : 'ready',
    attempt: 0,
    charged: 0,
    returned: 0,
    nonce: null,
    scout: null,
    instance: null,
    served: null,
    promptTokens: 0,
    completionTokens: 0,
    fault: null,
    stage: isControl ? 0 : null,
    waits: null,
    terms: termsText(planned),
  }
}

function termsText(terms: Terms): string | null {
  const { contract, isTemplate, reserved, points, attemptsMax, deadlineMs, boost, requires, routing } = terms
  const text = JSON.stringify({
    contract,
    isTemplate,
    reserved,
    points,
    attemptsMax,
    deadlineMs,
    boost,
    requires,
    routing,
  })
  return text === '{}' ? null : text
}

/** What was read of rows, while they are there: a contract may be large, and whoever takes up a task asks for it. */
const termsRead = new WeakMap<TaskRow, Terms>()

export function termsOf(row: TaskRow): Readonly<Terms> {
  if (row.terms === null) return {}
  const known = termsRead.get(row)
  if (known !== undefined) return known
  const terms = readJson<Terms>(row.terms)
  termsRead.set(row, terms)
  return terms
}

/** Its terms without what concerns its request, its answer and their cost, of which the core knows nothing. */
function coreTermsOf(row: TaskRow): TaskTerms {
  const terms = { ...termsOf(row) }
  delete terms.contract
  delete terms.isTemplate
  delete terms.reserved
  delete terms.points
  return terms
}

/** What a task waits for: what it needs or, for a control node that has expanded, what it named then. */
export function waitsOf({ needs, waits }: TaskRow): string[] {
  return readJson<string[]>(waits ?? needs)
}

/** An intent as the core takes it in. */
export function acceptEvent({ intent, tasks, requestBytes }: OpenIntent, weight: number, deadlineMs: number): Accept {
  const byNode = new Map(tasks.map((row) => [row.node, row.task]))
  const accepted = tasks.map((row, at) => acceptedTask(row, requestBytes[at]!, byNode))
  const { id, tenant, priority, resultNode, budgetTokens } = intent
  const result = byNode.get(resultNode)!
  return { type: 'accept', intent: id, tenant, weight, priority, deadlineMs, result, budgetTokens, tasks: accepted }
}

/** The same for an intent of which nothing is certain: an earlier process stored it, and its rows may be damaged. */
export function readEvent(open: OpenIntent, weight: number, deadlineMs: number): Accept | Fault {
  for (const [at, { node, state }] of open.tasks.entries()) {
    if (open.requestBytes[at]! < 0 && !isTerminalState(state)) return unreadable(`the request of "${node}" is missing`)
  }
  let event: Accept
  try {
    event = acceptEvent(open, weight, deadlineMs)
  } catch {
    return unreadable('a row of it is damaged')
  }
  const { result, tasks } = event
  const isWhole = result !== undefined && tasks.every(({ needs }) => needs.every((need) => need !== undefined))
  return isWhole ? event : unreadable('a task of it is missing')
}

export function acceptedTask(row: TaskRow, promptBytes: number, byNode: ReadonlyMap<string, number>): AcceptedTask {
  const { task, kind, model, state, attempt, charged, returned, nonce, scout, instance } = row
  const isLeased = nonce !== null && scout !== null && instance !== null
  return {
    task,
    kind,
    model,
    promptBytes,
    control: row.stage !== null,
    needs: waitsOf(row).map((need) => byNode.get(need)!),
    state,
    attempt,
    charged,
    returned,
    lease: isLeased ? { nonce, scout, instance } : null,
    usedTokens: row.promptTokens + row.completionTokens,
    terms: coreTermsOf(row),
  }
}

export function taskView(row: TaskRow): TaskView {
  const { node, kind, model, state, stage, attempt, promptTokens, completionTokens } = row
  return {
    node,
    kind,
    model,
    needs: readJsonOr(row.needs, []),
    state,
    stage,
    attempts: attempt,
    served: row.served === null ? null : readJsonOr(row.served, null),
    usage: { promptTokens, completionTokens },
    fault: faultOf(row.fault),
  }
}

export function intentView(row: SummedIntent): IntentView {
  const { id, tenant, state, priority, createdMs, deadlineMs, finishedMs, resultNode } = row
  const { promptTokens, completionTokens } = row
  const usage = { promptTokens, completionTokens }
  const metadata = readJsonOr<Record<string, string>>(row.metadata, {})
  const times = { createdMs, deadlineMs, finishedMs }
  return { id, tenant, state, priority, ...times, metadata, fault: faultOf(row.fault), resultNode, usage }
}

export function summed(row: IntentRow, tasks: readonly TaskRow[]): SummedIntent {
  const sums = { promptTokens: 0, completionTokens: 0 }
  for (const task of tasks) {
    sums.promptTokens = Math.min(usageSumMax, sums.promptTokens + task.promptTokens)
    sums.completionTokens = Math.min(usageSumMax, sums.completionTokens + task.completionTokens)
  }
  return { ...row, ...sums }
}

/** A tenant sees its own intents, an admin all of them. */
export function maySee({ tenant }: IntentRow, viewer: Viewer): boolean {
  return viewer === null || viewer === tenant
}

export function faultOf(text: string | null): Fault | null {
  return text === null ? null : readJsonOr<Fault>(text, unreadable('its fault'))
}
