/**
 * What a plan is likely to cost and how long it may take, from the catalogue's prices and speeds: for a dry run. It
 * counts what is known before anything runs, takes a usual answer for every task, and says so of itself: a map is
 * counted with the items that are known, and with half of its bound when they are not.
 */
import { charsPerToken } from '../../../shared/limits/planner.ts'
import type { CatalogModel, Estimate, Plan, PlannedTask } from '../../engine/ports/planner.ts'
import { chatModels } from '../catalog.ts'
import type { RequestTemplate } from '../request/request-template.ts'
import { splitText } from '../text/split.ts'
import { type ControlSpec, type MapSpec, tryOf } from './control-spec.ts'
import { orderOf } from './graph.ts'

/** Tokens of an answer whose request sets no limit. */
const usualAnswerTokens = 400
/** Of a model that has not answered yet. */
const usualFirstContentMs = 1_000
const usualTokensPerSecond = 30

/** The estimate of a plan; `answerTokens` of its tasks are their `max_tokens` when they have them. */
export function estimate(plan: Plan, catalog: readonly CatalogModel[]): Estimate {
  const positions = new Map(plan.tasks.map(({ node }, at) => [node, at]))
  const costs = plan.tasks.map((task) => costOfTask(task, catalog))
  const parents = plan.tasks.map(({ needs }) => needs.map((need) => positions.get(need)!))
  const ordered = orderOf(parents)
  const ends = plan.tasks.map(() => 0)
  if ('order' in ordered) {
    for (const at of ordered.order) {
      ends[at] = costs[at]!.durationMs + Math.max(0, ...parents[at]!.map((parent) => ends[parent]!))
    }
  }
  return { ...costs.reduce(together), durationMs: Math.round(Math.max(...ends)) }
}

function together(a: Estimate, b: Estimate): Estimate {
  return {
    tasks: a.tasks + b.tasks,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    dollars: a.dollars === null || b.dollars === null ? null : a.dollars + b.dollars,
    durationMs: Math.max(a.durationMs, b.durationMs),
  }
}

/** One after the other. */
function then(a: Estimate, b: Estimate): Estimate {
  return { ...together(a, b), durationMs: a.durationMs + b.durationMs }
}

function times(count: number, one: Estimate): Estimate {
  const { tasks, promptTokens, completionTokens, dollars, durationMs } = one
  const scaled = {
    tasks: tasks * count,
    promptTokens: promptTokens * count,
    completionTokens: completionTokens * count,
  }
  return { ...scaled, dollars: dollars === null ? null : dollars * count, durationMs }
}

function costOfTask({ control, kind, model, request, needs }: PlannedTask, catalog: readonly CatalogModel[]): Estimate {
  const spec = control as ControlSpec | undefined
  if (spec === undefined) {
    const { max_tokens: most } = JSON.parse(Buffer.from(request).toString('utf8')) as { max_tokens?: unknown }
    const handedOn = needs.length * usualAnswerTokens
    const answerTokens =
      kind === 'embed'
        ? 0
        : typeof most === 'number' && most > 0
          ? Math.min(most, usualAnswerTokens)
          : usualAnswerTokens
    return costOf(model, request.byteLength / charsPerToken + handedOn, answerTokens, catalog)
  }
  const of = (template: RequestTemplate, extraTokens = 0) => {
    const chars = JSON.stringify(template.request).length
    return costOf(template.model, chars / charsPerToken + extraTokens, usualAnswerTokens, catalog)
  }
  switch (spec.type) {
    case 'map':
      return costOfMap(spec, of)
    case 'vote': {
      const voices = spec.works.map((work) => of(work)).reduce(together)
      return spec.judge === null ? voices : then(voices, of(spec.judge, spec.works.length * usualAnswerTokens))
    }
    case 'gate':
      return of(spec.work)
    case 'plan':
      return then(of(spec.work), of(spec.single))
    case 'tries':
      return of(tryOf(spec, 0))
  }
}

function costOfMap(
  { over, max, work, reduce }: MapSpec,
  of: (template: RequestTemplate, extraTokens?: number) => Estimate,
): Estimate {
  const { items, tokens } = itemsOf(over, max)
  if (items === 0) return { tasks: 0, promptTokens: 0, completionTokens: 0, dollars: 0, durationMs: 0 }
  let all = times(items, of(work, tokens))
  if (reduce === null) return all
  const each = Math.max(2, Math.floor(reduce.chars / charsPerToken / usualAnswerTokens))
  for (let left = items; left > 1; left = Math.ceil(left / each)) {
    const merges = Math.ceil(left / each)
    all = then(all, times(merges, of(reduce.work, Math.min(left, each) * usualAnswerTokens)))
  }
  return all
}

function itemsOf(over: MapSpec['over'], max: number): { items: number; tokens: number } {
  if ('list' in over)
    return {
      items: over.list.length,
      tokens: JSON.stringify(over.list).length / charsPerToken / Math.max(1, over.list.length),
    }
  if ('ref' in over) return { items: Math.ceil(max / 2), tokens: usualAnswerTokens }
  if (typeof over.text !== 'string') return { items: Math.ceil(max / 2), tokens: over.chars / charsPerToken }
  const items = splitText(over.text, over.chars).length
  return { items, tokens: over.text.length / charsPerToken / Math.max(1, items) }
}

function costOf(
  model: string,
  promptTokens: number,
  completionTokens: number,
  catalog: readonly CatalogModel[],
): Estimate {
  const known = catalog.find(({ id }) => id === model) ?? chatModels(catalog)[0]
  const { promptDollars = null, answerDollars = null, firstContentMs = null, tokensPerSecond = null } = known ?? {}
  const isPriced = promptDollars !== null && answerDollars !== null
  const speed = tokensPerSecond === null || tokensPerSecond <= 0 ? usualTokensPerSecond : tokensPerSecond
  return {
    tasks: 1,
    promptTokens: Math.ceil(promptTokens),
    completionTokens,
    dollars: isPriced ? (promptTokens * promptDollars + completionTokens * answerDollars) / 1_000_000 : null,
    durationMs: (firstContentMs ?? usualFirstContentMs) + (completionTokens * 1_000) / speed,
  }
}
