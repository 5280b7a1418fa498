/**
 * Decides how a scroll continues at its control nodes, which no scout works on: a map becomes one task for each item
 * and then merges, a vote becomes an answer, a condition runs a node or skips it. Pure: it reads a node's spec and what
 * it waited for, and the engine may ask the same again after a crash.
 */
import { type Fault, fault, leadsToNextModel } from '../../../shared/faults.ts'
import { textOf } from '../../../shared/json/answer-text.ts'
import { decisionStepBytes } from '../../../shared/limits/intents.ts'
import { likenessCharsMax, mapItemsMax, scrollNeedsMax } from '../../../shared/limits/planner.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { atOnce, type Steps } from '../../../shared/turn-lane.ts'
import type { ControlNode, Decision, NeedResult } from '../../engine/ports/planner.ts'
import { follow, type Part, type Reference } from '../request/references.ts'
import { Item } from '../request/request-template.ts'
import {
  type Condition,
  type ControlSpec,
  type GateSpec,
  type MapSpec,
  type Source,
  type TriesSpec,
  tryOf,
  type VoteSpec,
} from '../scroll/control-spec.ts'
import { bodyOfText, jsonIn } from '../text/answer-text.ts'
import { splitInSteps } from '../text/split.ts'
import { decidePlan } from './decide-plan.ts'
import { grownTasks, type Wanted } from './grown-tasks.ts'

/** All at once, for whom turns do not matter. */
export function decide(node: ControlNode): Decision {
  return atOnce(decideInSteps(node))
}

export function* decideInSteps(node: ControlNode): Steps<Decision> {
  const spec = node.spec as ControlSpec
  // What the decision needs must be there. Tasks of an expansion may fail; each kind of node handles that itself.
  const missing = node.stage === 0 ? firstFailure(node.results) : null
  if (missing !== null) return { type: 'failed', fault: missing }
  const when = 'when' in spec ? spec.when : null
  if (node.stage === 0 && when !== null && !holds(when, node.results)) {
    return { ...said(''), note: 'Its condition did not hold.' }
  }
  switch (spec.type) {
    case 'map':
      return yield* decideMap(spec, node)
    case 'vote':
      return yield* decideVote(spec, node)
    case 'gate':
      return yield* decideGate(spec, node)
    case 'plan':
      return decidePlan(spec, node)
    case 'tries':
      return yield* decideTries(spec, node)
  }
}

function said(text: string): { type: 'done'; result: Uint8Array } {
  return { type: 'done', result: bodyOfText(text) }
}

/** The node goes on with these tasks, and with the only one of them as its own answer where it says so. */
function* grow(node: string, wanted: readonly Wanted[], delegate: string | null = null): Steps<Decision> {
  const tasks = yield* grownTasks(node, wanted)
  if (!Array.isArray(tasks)) return { type: 'failed', fault: tasks }
  const waitFor = wanted.map(({ name }) => name)
  return { type: 'expand', tasks, waitFor, ...(delegate !== null && { delegate }) }
}

function firstFailure(results: readonly NeedResult[]): Fault | null {
  const failed = results.find(({ state }) => state !== 'done')
  if (failed === undefined) return null
  const cause = failed.fault ?? fault('cancelled', 'It was not carried out.')
  return { ...cause, message: `Task "${failed.node}" did not get done: ${cause.message}` }
}

// ---------------------------------------------------------------- when

function* decideGate({ work }: GateSpec, { node, stage, results }: ControlNode): Steps<Decision> {
  if (stage > 0) return passOn(results[0]!)
  const run = `${node}.run`
  return yield* grow(node, [{ name: run, template: work }], run)
}

/** What a delegate came to is what the node came to. */
function passOn(result: NeedResult): Decision {
  if (result.body !== null) return { type: 'done', result: result.body }
  return { type: 'failed', fault: result.fault ?? fault('cancelled', 'It was not carried out.') }
}

function holds({ ref, is, in: among, exists, above, below }: Condition, results: readonly NeedResult[]): boolean {
  const found = valueAt(ref, results)
  if (exists !== undefined) return (found !== undefined) === exists
  const value = found?.value
  if (above !== undefined) return typeof value === 'number' && value > above
  if (below !== undefined) return typeof value === 'number' && value < below
  if (among !== undefined) return found !== undefined && among.includes(value as string)
  return found !== undefined && value === is
}

/** The value a reference leads to; a text that is no JSON is a string. */
function valueAt(reference: Reference, results: readonly NeedResult[]): { value: unknown } | undefined {
  if (reference.from !== 'node') return undefined
  const body = results.find(({ node }) => node === reference.node)?.body
  if (!body) return undefined
  const text = textOf(body)
  const json = jsonIn(text)
  if (json === undefined) return reference.path.length === 0 ? { value: text } : undefined
  return follow(json.value, reference.path)
}

// ---------------------------------------------------------------- models in turn

function* decideTries(spec: TriesSpec, { node, stage, results }: ControlNode): Steps<Decision> {
  const [last] = results
  if (last !== undefined && (stage === spec.tries.length || last.body !== null || !leadsOn(last.fault))) {
    return passOn(last)
  }
  const name = `${node}.${stage + 1}`
  return yield* grow(node, [{ name, template: tryOf(spec, stage) }], name)
}

/** A try whose share of the time is over leaves the rest to the next one. */
function leadsOn(cause: Fault | null): boolean {
  return cause !== null && (leadsToNextModel(cause.code) || cause.code === 'deadline_exceeded')
}

// ---------------------------------------------------------------- map and reduce

function* decideMap(spec: MapSpec, node: ControlNode): Steps<Decision> {
  if (node.stage === 0) return yield* fanOut(spec, node)
  const failure = firstFailure(node.results)
  if (failure !== null) return { type: 'failed', fault: failure }
  return yield* spec.reduce === null ? gather(spec, node.node, node.results) : merge(spec.reduce, node)
}

function* fanOut({ over, max, work, join }: MapSpec, { node, results }: ControlNode): Steps<Decision> {
  const items = yield* itemsOf(over, results)
  yield
  if (!Array.isArray(items)) return { type: 'failed', fault: items }
  if (items.length > Math.min(max, mapItemsMax)) {
    const text = `There are ${items.length} items, and node "${node}" takes at most ${max}: raise its \`max\`.`
    return { type: 'failed', fault: fault('invalid_request', text) }
  }
  if (items.length === 0) return { ...said(join === null ? '[]' : ''), note: 'There was nothing to ask about.' }
  const wanted = items.map((item, at) => {
    return { name: `${node}.${at + 1}`, template: work, binding: { item: new Item(item), index: at + 1 } }
  })
  return yield* grow(node, wanted)
}

function* itemsOf(over: Source, results: readonly NeedResult[]): Steps<unknown[] | Fault> {
  if ('list' in over) return over.list
  if ('text' in over) {
    if (typeof over.text === 'string') return yield* splitInSteps(over.text, over.chars)
    const found = valueAt(over.text, results)?.value
    if (found === undefined) return noSuch(over.text, 'text')
    return yield* splitInSteps(typeof found === 'string' ? found : JSON.stringify(found), over.chars)
  }
  const found = valueAt(over.ref, results)?.value
  return Array.isArray(found) ? found : noSuch(over.ref, 'list')
}

function noSuch(reference: Reference, what: string): Fault {
  const where = reference.from === 'node' ? ['nodes', reference.node, ...reference.path].join('.') : reference.from
  return fault('invalid_request', `There is no ${what} at ${where}: let the schema of that node require one.`)
}

/** Without a merge: all answers, as one text or as a JSON list. */
function* gather({ join }: MapSpec, node: string, results: readonly NeedResult[]): Steps<Decision> {
  const texts = yield* textsOfAll(results)
  const chars = texts.reduce((sum, { length }) => sum + length + (join?.length ?? 1), 0)
  if (chars > bodyBytesMax) return tooMuch(node)
  yield
  const made = said(join === null ? JSON.stringify(texts.map((text) => jsonIn(text)?.value ?? text)) : texts.join(join))
  return made.result.length > bodyBytesMax ? tooMuch(node) : made
}

function tooMuch(node: string): Decision {
  const text = `The answers of node "${node}" take more than ${bodyBytesMax} bytes together`
  return {
    type: 'failed',
    fault: fault('request_too_large', `${text}: let it \`reduce\` them, or ask for shorter ones.`),
  }
}

function* merge(reduce: NonNullable<MapSpec['reduce']>, { node, stage, results }: ControlNode): Steps<Decision> {
  if (results.length === 1) return passOn(results[0]!)
  const groups = groupsOf(yield* textsOfAll(results), reduce.chars)
  const wanted = groups.map((members, at) => {
    const items = listOf(members.map((index) => results[index]!.node))
    return { name: `${node}.m${stage}-${at + 1}`, template: reduce.work, binding: { items } }
  })
  return yield* grow(node, wanted, wanted.length === 1 ? wanted[0]!.name : null)
}

/** Neighbours together as long as they fit, but never fewer than two: every level has to make them fewer. */
function groupsOf(texts: readonly string[], charsMax: number): number[][] {
  const groups: number[][] = []
  let chars = 0
  for (const [index, { length }] of texts.entries()) {
    const open = groups.at(-1)
    const fits = open !== undefined && open.length < scrollNeedsMax && (open.length < 2 || chars + length <= charsMax)
    if (fits) {
      open.push(index)
      chars += length
    } else {
      groups.push([index])
      chars = length
    }
  }
  if (groups.length > 1 && groups.at(-1)!.length === 1) {
    const [single] = groups.pop()!
    const last = groups.at(-1)!
    if (last.length < scrollNeedsMax) last.push(single!)
    // It cannot take one more, so it gives one.
    else groups.push([last.pop()!, single!])
  }
  return groups
}

/** Results one after the other, by reference. */
function listOf(nodes: readonly string[]): Part[] {
  return nodes.flatMap((node, at) => [...(at === 0 ? [] : ['\n\n']), { from: 'node' as const, node, path: [] }])
}

function* textsOfAll(results: readonly NeedResult[]): Steps<string[]> {
  const texts: string[] = []
  let bytes = 0
  for (const { body } of results) {
    texts.push(textOf(body!))
    bytes += body!.length
    if (bytes < decisionStepBytes) continue
    bytes = 0
    yield
  }
  return texts
}

// ---------------------------------------------------------------- vote

function* decideVote(spec: VoteSpec, { node, stage, results }: ControlNode): Steps<Decision> {
  if (stage === 0) {
    return yield* grow(
      node,
      spec.works.map((template, at) => ({ name: `${node}.${at + 1}`, template })),
    )
  }
  if (stage > 1) return passOn(results[0]!)
  const answers = results.filter(({ state }) => state === 'done')
  if (answers.length === 0) return { type: 'failed', fault: firstFailure(results)! }
  if (answers.length < spec.quorum) {
    const text = `Only ${answers.length} of ${results.length} answers came, and ${spec.quorum} are required.`
    return { type: 'failed', fault: fault('no_agreement', text) }
  }
  if (spec.judge === null) return yield* agreed(answers, spec.quorum)
  // The judge alone may call tools.
  if (answers.length === 1 && spec.judge.request.tools === undefined)
    return { type: 'done', result: answers[0]!.body!, note: 'Only one answer came, so there was nothing to judge.' }
  const listed = answers.flatMap(({ node }, at): Part[] => [
    `${at === 0 ? '' : '\n\n'}Answer ${at + 1}:\n`,
    { from: 'node', node, path: [] },
  ])
  const judge = `${node}.judge`
  return yield* grow(node, [{ name: judge, template: spec.judge, binding: { answers: listed } }], judge)
}

/** The answer that most gave; of equally many the earliest. */
function* agreed(answers: readonly NeedResult[], quorum: number): Steps<Decision> {
  const counts = new Map<string, number>()
  const texts = yield* textsOfAll(answers)
  const isLong = texts.reduce((sum, { length }) => sum + length, 0) > likenessCharsMax
  const alike = isLong ? texts : texts.map(likeness)
  for (const form of alike) counts.set(form, (counts.get(form) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const note = `${most} of ${answers.length} answers agree.`
  if (most < quorum) return { type: 'failed', fault: fault('no_agreement', `${note} ${quorum} are required.`) }
  const winner = answers[alike.findIndex((form) => counts.get(form) === most)]!
  return { type: 'done', result: winner.body!, note }
}

/** What makes two answers the same: their JSON whatever its order, or their words whatever their spacing and case. */
function likeness(text: string): string {
  const json = jsonIn(text)
  if (json !== undefined) return JSON.stringify(sorted(json.value))
  return text.trim().replace(/\s+/g, ' ').toLowerCase()
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, inner]) => [key, sorted(inner)])
}
