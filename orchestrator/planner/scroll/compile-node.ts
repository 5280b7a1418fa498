/**
 * One node of a scroll: the request it stands for, its texts taken apart, and what the hub has to decide about it when
 * its needs are done (`map`, `vote`, `when`). The request is checked by the edge's own rules as if it had come alone.
 */
import type { Fault } from '../../../shared/faults.ts'
import { abilitiesOf } from '../../../shared/task.ts'
import type { RequestCheck, Terms } from '../../engine/ports/planner.ts'
import { schemaFlaw } from '../contract/contract.ts'
import { type Extra, nodesIn, type Reference, type TextReader } from '../request/references.ts'
import { type RequestTemplate, textsOf } from '../request/request-template.ts'
import { defaultJudgePrompt } from '../text/prompts.ts'
import { splitText } from '../text/split.ts'
import type { Condition, NodeSpec, Source } from './control-spec.ts'
import { type Asked, askedBy, within, withSchema } from './node-request.ts'
import { type Fields, flaw, type ScrollNode } from './scroll-nodes.ts'
import { type NodeTerms, nodeTerms, termsOf } from './scroll-schema.ts'

export interface CompileContext {
  /** Of nodes that name none. */
  model: string
  check: RequestCheck
  /** No scout is trusted. */
  lacksAudits: boolean
  reader: TextReader
}

export interface CompiledNode {
  /** Names of all nodes it needs, those its texts refer to included. */
  needs: string[]
  work: RequestTemplate
  /** Null for a node that is asked as it is. */
  spec: NodeSpec | null
  /** How many tasks it may become, itself included. */
  tasks: number
}

/** The compiled node. `needs` are the names of those it lists. */
export function compileNode(node: ScrollNode, needs: string[], context: CompileContext): CompiledNode | Fault {
  const read = readTerms(node)
  if ('code' in read) return read as Fault
  const { terms, fields } = read
  if (terms.requires?.trusted && context.lacksAudits) return nodeFlaw(node, 'requires.trusted', needsAudits)
  const asked = askedBy({ ...node, fields }, context.model)
  if ('code' in asked) return asked
  const refused = context.check(asked.kind, asked.request)
  if (refused !== null) return within(node, refused)
  const extra: Extra[] = terms.map === undefined ? [] : ['item']
  const work = templateOf(node, withSchema(asked, terms), { extra, terms: termsFor(terms), context })
  if ('code' in work) return work
  return new NodeCompiler(node, terms, work, context).compile(needs)
}

const needsAudits = 'needs audits, which this orchestrator does not make (TRUST): remove it'
const termNames = Object.keys(nodeTerms.shape)

function readTerms(node: ScrollNode): { terms: NodeTerms; fields: Fields } | Fault {
  const own: Fields = {}
  const fields: Fields = {}
  for (const [key, value] of Object.entries(node.fields)) {
    if (!termNames.includes(key)) fields[key] = value
    else if (value !== null) own[key] = value
  }
  const terms = termsOf<NodeTerms>(nodeTerms, own, node.place, `In node "${node.id}" `)
  if ('code' in terms) return terms as Fault
  if (typeof terms.output === 'object') {
    const wrong = schemaFlaw(terms.output.schema)
    if (wrong !== null) return nodeFlaw(node, 'output.schema', wrong)
  }
  return { terms, fields }
}

function nodeFlaw({ id, place }: ScrollNode, field: string, wrong: string): Fault {
  return flaw(`${place}.${field}`, `In node "${id}" \`${place}.${field}\` ${wrong}.`)
}

function termsFor({ output, requires, deadline_ms: deadlineMs, attempts }: NodeTerms): Terms {
  return {
    ...(typeof output === 'object' && { contract: { type: 'json', schema: output.schema } as const }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(attempts !== undefined && { attemptsMax: attempts }),
    ...(requires !== undefined && {
      requires: {
        ...(requires.context_tokens !== undefined && { contextTokensMin: requires.context_tokens }),
        ...(requires.abilities !== undefined && { abilities: abilitiesOf(requires.abilities) }),
        ...(requires.trust !== undefined && { trustMin: requires.trust }),
        ...(requires.trusted && { isTrusted: true }),
        ...(requires.max_price !== undefined && { priceMax: Math.round(requires.max_price * 1_000_000) }),
      },
    }),
  }
}

interface TemplateOptions {
  extra: Extra[]
  terms: Terms
  context: CompileContext
  /** The field whose texts these are, when it is not the request itself. */
  field?: string
}

function templateOf(
  node: ScrollNode,
  { kind, model, request }: Asked,
  options: TemplateOptions,
): RequestTemplate | Fault {
  const { extra, terms, context, field } = options
  const work: RequestTemplate = { kind, model, request, fills: [], terms, needs: [] }
  for (const { at, text } of textsOf(kind, request)) {
    // The instruction to answer with JSON is the hub's own, and its schema may hold braces.
    if (at[1] === 0 && terms.contract !== undefined && kind === 'chat' && field === undefined) continue
    const parts = context.reader.read(text, extra)
    if (typeof parts === 'string') return nodeFlaw(node, field ?? fieldOf(node, at), parts)
    if (parts.length !== 1 || parts[0] !== text) work.fills.push({ at, parts })
  }
  return work
}

function fieldOf({ fields }: ScrollNode, at: readonly (string | number)[]): string {
  return fields.prompt === undefined || fields.prompt === null ? String(at[0]) : 'prompt'
}

/** How a request is to be answered; what else a node asks on its side is to be answered in the same way. */
const manners = ['temperature', 'top_p', 'seed', 'max_tokens', 'max_completion_tokens']

/** Compiles what the hub has to decide about one node. */
class NodeCompiler {
  /** What is needed for the decision alone, and is therefore not put before the messages. */
  private readonly mentioned: string[] = []
  private wrong: Fault | null = null

  constructor(
    private readonly node: ScrollNode,
    private readonly terms: NodeTerms,
    private readonly work: RequestTemplate,
    private readonly context: CompileContext,
  ) {}

  compile(listed: string[]): CompiledNode | Fault {
    const { terms, work } = this
    if (terms.map !== undefined && terms.vote !== undefined)
      return nodeFlaw(this.node, 'vote', 'cannot stand beside `map`')
    if (work.kind === 'embed' && (terms.map ?? terms.vote ?? terms.output) !== undefined) {
      return nodeFlaw(this.node, 'kind', 'cannot be embed with `map`, `vote` or `output`')
    }
    const when = terms.when === undefined ? null : this.condition(terms.when)
    const spec = this.spec(when)
    if (this.wrong !== null) return this.wrong
    const texts = templatesIn(spec, work).flatMap(({ fills }) => fills.flatMap(({ parts }) => nodesIn(parts)))
    const unsaid = listed.filter((name) => !this.mentioned.includes(name))
    for (const one of templatesIn(spec, work)) one.needs = unsaid
    const needs = [...new Set([...listed, ...this.mentioned, ...texts])]
    return { needs, work, spec, tasks: expansionOf(spec) }
  }

  private spec(when: Condition | null): NodeSpec | null {
    const { map, vote } = this.terms
    if (map !== undefined) return this.map(map, when)
    if (vote !== undefined) return this.vote(vote, when)
    return when === null ? null : { type: 'gate', when, work: this.work }
  }

  private map(map: NonNullable<NodeTerms['map']>, when: Condition | null): NodeSpec {
    const { max, join = null, reduce } = map
    const over = this.source(map)
    const merge = reduce && {
      work: this.side(reduce.prompt, reduce.model, 'items', 'map.reduce.prompt'),
      chars: reduce.chars,
    }
    return { type: 'map', when, over, max, work: this.work, join, reduce: merge ?? null }
  }

  private source({ over, split, max }: NonNullable<NodeTerms['map']>): Source {
    if ((over === undefined) === (split === undefined)) {
      this.fail('map', 'must hold either `over` or `split`')
      return { list: [] }
    }
    if (split !== undefined) {
      const { chars } = split
      const found = this.resolve(split.text, 'map.split.text')
      if ('reference' in found) return { text: found.reference, chars }
      if (typeof found.value !== 'string') this.fail('map.split.text', 'must refer to a text')
      else if (!this.holds(found.value.length, 'map.split.text')) return { list: [] }
      else {
        const parts = splitText(found.value, chars).length
        const advice = 'raise `chars`, or `max`'
        if (parts > max) this.fail('map.split', `makes ${parts} parts, and at most ${max} are allowed: ${advice}`)
        else return { text: found.value, chars }
      }
      return { list: [] }
    }
    const found = this.resolve(over!, 'map.over')
    if ('reference' in found) return { ref: found.reference }
    if (!Array.isArray(found.value)) this.fail('map.over', 'must refer to a list')
    else if (found.value.length > max) {
      this.fail(
        'map.over',
        `refers to ${found.value.length} items, and at most ${max} are allowed: raise \`max\`, or send fewer`,
      )
    } else return { list: found.value }
    return { list: [] }
  }

  private vote(vote: NonNullable<NodeTerms['vote']>, when: Condition | null): NodeSpec {
    const { by, models = [this.work.model], judge } = vote
    const count = vote.answers ?? models.length
    const quorum = vote.quorum ?? 1
    if (count < 2) this.fail('vote', 'needs at least two `answers`, or two `models`')
    if (models.length > count) this.fail('vote.models', `names ${models.length} models for ${count} answers`)
    if (quorum > count) this.fail('vote.quorum', `is more than the ${count} answers`)
    if (by === 'agreement' && judge !== undefined) this.fail('vote.judge', 'is only for votes by judge: remove it')
    const voice = by === 'judge' ? withoutTools(this.work) : this.work
    const works = Array.from({ length: count }, (_, at) => asVoice(voice, models[at % models.length]!, at))
    if (by === 'agreement') return { type: 'vote', when, works, quorum, judge: null }
    const words = judge?.prompt ?? defaultJudgePrompt
    const made = this.side(words, judge?.model, 'answers', 'vote.judge.prompt')
    return { type: 'vote', when, works, quorum, judge: this.afterQuestion(made) }
  }

  /** The judge receives what was asked, must keep to the same contract, and calls tools where the node has some. */
  private afterQuestion(made: RequestTemplate): RequestTemplate {
    const { request, fills, terms } = this.work
    const question = request.messages as unknown[]
    const messages = [...question, ...(made.request.messages as unknown[])]
    const moved = made.fills.map((fill) => ({ ...fill, at: ['messages', question.length, ...fill.at.slice(2)] }))
    const { response_format: format } = request
    return {
      ...made,
      request: { ...made.request, ...toolsOf(request), messages, ...(Boolean(format) && { response_format: format }) },
      fills: [...fills, ...moved],
      terms: terms.contract === undefined ? made.terms : { ...made.terms, contract: terms.contract },
    }
  }

  /** A request of its own that a node makes beside its main one. */
  private side(prompt: string, model: string | undefined, extra: 'items' | 'answers', field: string): RequestTemplate {
    const { context, node, work } = this
    const asked = { kind: 'chat' as const, model: model ?? work.model, request: {} as Fields }
    const manner = manners.filter((key) => key in work.request).map((key) => [key, work.request[key]])
    asked.request = { ...Object.fromEntries(manner), model: asked.model, messages: [{ role: 'user', content: prompt }] }
    const { contract: _, ...terms } = work.terms
    const made = templateOf(node, asked, { extra: [extra], terms, context, field })
    if ('code' in made) {
      this.wrong ??= made
      return work
    }
    const refers = made.fills.some(({ parts }) => parts.some((part) => typeof part !== 'string' && part.from === extra))
    if (!refers) this.fail(field, `must say where the answers stand, as {{${extra}}}`)
    return made
  }

  private condition({ ref, ...tests }: NonNullable<NodeTerms['when']>): Condition {
    const found = this.resolve(ref, 'when.ref')
    const count = Object.values(tests).filter((test) => test !== undefined).length
    if (count !== 1) this.fail('when', 'must hold exactly one of `is`, `in`, `exists`, `above` and `below`')
    if ('reference' in found) return { ref: found.reference, ...tests }
    this.fail('when.ref', 'must refer to a node, as `nodes.check.ok`: what is known before needs no condition')
    return { ref: { from: 'index' }, ...tests }
  }

  private resolve(name: string, field: string): { value: unknown } | { reference: Reference } {
    const found = this.context.reader.resolve(name, [])
    if ('flaw' in found) {
      this.fail(field, found.flaw)
      return { value: null }
    }
    if ('reference' in found && found.reference.from === 'node') this.mentioned.push(found.reference.node)
    return found
  }

  /** Whether the plan may hold so much more: what a map splits or lists is kept with its node. */
  private holds(chars: number, field: string): boolean {
    const flaw = this.context.reader.hold(chars)
    if (flaw !== null) this.fail(field, flaw)
    return flaw === null
  }

  private fail(field: string, wrong: string): void {
    this.wrong ??= nodeFlaw(this.node, field, wrong)
  }
}

/** The fields that let whoever answers call tools. */
const toolFields = ['tools', 'tool_choice', 'parallel_tool_calls']

function toolsOf(request: Fields): Fields {
  return Object.fromEntries(Object.entries(request).filter(([field]) => toolFields.includes(field)))
}

/** A voice that called a tool would have said nothing that a judge could weigh. */
function withoutTools(work: RequestTemplate): RequestTemplate {
  const request = Object.fromEntries(Object.entries(work.request).filter(([field]) => !toolFields.includes(field)))
  return { ...work, request }
}

/** Voices of one model differ by their seed, when there is one. */
function asVoice(work: RequestTemplate, model: string, at: number): RequestTemplate {
  const { seed } = work.request
  return { ...work, model, request: { ...work.request, model, ...(typeof seed === 'number' && { seed: seed + at }) } }
}

function templatesIn(spec: NodeSpec | null, work: RequestTemplate): RequestTemplate[] {
  if (spec === null) return [work]
  if (spec.type === 'map') return spec.reduce === null ? [spec.work] : [spec.work, spec.reduce.work]
  if (spec.type === 'vote') return spec.judge === null ? spec.works : [...spec.works, spec.judge]
  return [spec.work]
}

function expansionOf(spec: NodeSpec | null): number {
  if (spec === null) return 1
  // Merges halve at least what they merge, so all levels together are fewer than the items.
  if (spec.type === 'map') return 1 + spec.max * (spec.reduce === null ? 1 : 2)
  return spec.type === 'vote' ? spec.works.length + 2 : 2
}
