/**
 * The shipped templates: each makes a scroll of a question in the same way every time, from the question, its params
 * and the live catalogue. What a person wrote goes in as params, which texts refer to, so nothing of it is ever read
 * as a template. The scroll is then judged like any client's.
 */

import { z } from 'zod'
import type { Fault } from '../../../shared/faults.ts'
import {
  answerShare,
  charsPerToken,
  debateRoundsMax,
  mapItemsMax,
  splitCharsDefault,
  splitCharsMax,
  splitCharsMin,
  voicesMax,
} from '../../../shared/limits/planner.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import type { CatalogModel } from '../../engine/ports/planner.ts'
import { chatModels } from '../catalog.ts'
import { flaw } from '../scroll/scroll-nodes.ts'
import { termsOf } from '../scroll/scroll-schema.ts'
import { textOfMessage } from '../text/conversation.ts'
import {
  debatePrompt,
  mapPrompt,
  reducePrompt,
  solvePrompt,
  stepPrompt,
  stepsPrompt,
  verdictPrompt,
} from '../text/prompts.ts'
import { splitText } from '../text/split.ts'

type Json = Record<string, unknown>

export interface TemplateContext {
  /** The conversation that is to be answered; the edge has checked it. */
  messages: Json[]
  /** For nodes for which the params name none. */
  model: string
  catalog: readonly CatalogModel[]
  /** Fields of every node's request, as `temperature`; and those of the last one's alone, as `max_tokens`. */
  manner: Json
  lastManner: Json
}

const says = (wish: string) => ({ error: () => wish })
const model = z.string(says('must be the name of a model')).min(1).max(modelCharsMax)
const models = z
  .array(model, says('must be a list of models'))
  .min(2, says('must name at least two'))
  .max(voicesMax, says(`must name at most ${voicesMax}`))
const count = (least: number, most: number) => {
  const wish = says(`must be a whole number from ${least} to ${most}`)
  return z.int(wish).min(least, wish).max(most, wish)
}
/** Every template takes the question in one of these forms; the edge makes messages of it. */
const asked = { input: z.string(says('must be a string')).optional(), messages: z.array(z.unknown()).optional() }

const forms = {
  single: z.strictObject({ ...asked, model: model.optional() }),
  'map-reduce': z.strictObject({
    ...asked,
    question: z.string(says('must be a string')).optional(),
    document: z.string(says('must be a string')).optional(),
    model: model.optional(),
    chars: count(splitCharsMin, splitCharsMax).optional(),
  }),
  ensemble: z.strictObject({
    ...asked,
    models: models.optional(),
    answers: count(2, voicesMax).optional(),
    judge: model.optional(),
  }),
  debate: z.strictObject({
    ...asked,
    models: models.optional(),
    rounds: count(1, debateRoundsMax).optional(),
    judge: model.optional(),
  }),
  'plan-and-solve': z.strictObject({
    ...asked,
    model: model.optional(),
    planner: model.optional(),
    steps: count(2, 16).optional(),
  }),
}
type TemplateName = keyof typeof forms
type Params<N extends TemplateName> = z.output<(typeof forms)[N]>

export const templateNames = Object.keys(forms) as TemplateName[]

/** The scroll that a template makes, or what is wrong with its params. */
export function scrollOf(name: TemplateName, params: Json, context: TemplateContext): Json | Fault {
  const read = termsOf<unknown>(forms[name], params, 'params', '')
  if (typeof read === 'object' && read !== null && 'code' in read) return read as Fault
  switch (name) {
    case 'single':
      return single(read as Params<'single'>, context)
    case 'map-reduce':
      return mapReduce(read as Params<'map-reduce'>, context)
    case 'ensemble':
      return ensemble(read as Params<'ensemble'>, context)
    case 'debate':
      return debate(read as Params<'debate'>, context)
    case 'plan-and-solve':
      return planAndSolve(read as Params<'plan-and-solve'>, context)
  }
}

/** Messages whose texts are references to `said`, which holds the texts. */
function quoted(messages: readonly Json[]): { messages: Json[]; said: string[] } {
  const said: string[] = []
  const refer = (text: string) => `{{params.said.${said.push(text) - 1}}}`
  const quote = (content: unknown): unknown => {
    if (typeof content === 'string') return refer(content)
    if (!Array.isArray(content)) return content
    return content.map((part: Json) => (typeof part.text === 'string' ? { ...part, text: refer(part.text) } : part))
  }
  return { messages: messages.map((message) => ({ ...message, content: quote(message.content) })), said }
}

function single({ model }: Params<'single'>, { messages, model: usual, manner, lastManner }: TemplateContext): Json {
  const { messages: quotedMessages, said } = quoted(messages)
  const node = { id: 'answer', model: model ?? usual, messages: quotedMessages, ...manner, ...lastManner }
  return { nodes: [node], params: { said } }
}

function mapReduce(params: Params<'map-reduce'>, context: TemplateContext): Json | Fault {
  const { model = context.model, chars } = params
  const found = params.document === undefined ? documentIn(context.messages) : null
  const document = params.document ?? found!.document
  const question = params.question ?? found?.question ?? textOfAll(context.messages)
  if (question === '') {
    return flaw('params.question', '`params.question` is required: say what to do with the document.')
  }
  const fitting = chars ?? charsFor(model, context.catalog)
  const size = sizeFor(document, fitting)
  const reduce = { prompt: reducePrompt, chars: Math.min(splitCharsMax, size * 2) }
  const map = { split: { text: 'params.document', chars: size }, max: mapItemsMax, reduce }
  const node = { id: 'answer', model, prompt: mapPrompt, map, ...context.manner, ...context.lastManner }
  return { nodes: [node], params: { question, document } }
}

/** A longer text is cut into larger parts rather than refused. */
function sizeFor(document: string, fitting: number): number {
  let size = Math.min(splitCharsMax, Math.max(fitting, Math.ceil(document.length / mapItemsMax)))
  while (size < splitCharsMax && splitText(document, size).length > mapItemsMax)
    size = Math.min(size * 2, splitCharsMax)
  return size
}

/** Characters of a part: what a model's context bears beside question and answer, or a cautious default. */
function charsFor(model: string, catalog: readonly CatalogModel[]): number {
  const { contextTokens = 0 } = catalog.find(({ id }) => id === model) ?? {}
  if (contextTokens === 0) return splitCharsDefault
  const room = Math.floor(contextTokens * charsPerToken * (1 - 2 * answerShare))
  return Math.min(splitCharsDefault, Math.max(splitCharsMin, room))
}

/**
 * The longest message is the document, and the others are the instruction. Of a single message the first paragraph
 * is the instruction.
 */
function documentIn(messages: readonly Json[]): { document: string; question: string } {
  const texts = messages.map((message) => textOfMessage(message))
  const lengths = texts.map(({ length }) => length)
  const longest = lengths.indexOf(Math.max(...lengths))
  const document = texts[longest] ?? ''
  const others = texts.filter((text, at) => at !== longest && text !== '')
  if (others.length > 0) return { document, question: others.join('\n\n') }
  const end = document.indexOf('\n\n')
  if (end < 0) return { document, question: 'Summarize this text.' }
  return { document: document.slice(end + 2), question: document.slice(0, end) }
}

function textOfAll(messages: readonly Json[]): string {
  return messages.map((message) => textOfMessage(message)).join('\n\n')
}

/** Who speaks: those named, or the strongest there are; with only one it speaks several times. */
function voicesOf(named: string[] | undefined, wanted: number, { model, catalog }: TemplateContext): string[] {
  if (named !== undefined) return named
  const known = chatModels(catalog).map(({ id }) => id)
  const pool = known.length === 0 ? [model] : known
  return Array.from({ length: wanted }, (_, at) => pool[at % pool.length]!)
}

function judgeOf(named: string | undefined, { model, catalog }: TemplateContext): string {
  return named ?? chatModels(catalog)[0]?.id ?? model
}

function ensemble({ models, answers, judge }: Params<'ensemble'>, context: TemplateContext): Json {
  const { messages, said } = quoted(context.messages)
  const voices = voicesOf(models, answers ?? models?.length ?? 3, context)
  const vote = {
    answers: Math.max(answers ?? 0, voices.length),
    models: voices,
    by: 'judge',
    judge: { model: judgeOf(judge, context) },
  }
  const node = { id: 'answer', model: voices[0], messages, vote, ...context.manner, ...context.lastManner }
  return { nodes: [node], params: { said } }
}

function debate({ models, rounds = 2, judge }: Params<'debate'>, context: TemplateContext): Json {
  const { messages, said } = quoted(context.messages)
  const voices = voicesOf(models, 2, context)
  const nodes: Json[] = []
  const nodeId = (round: number, voice: number) => `round-${round}-voice-${voice + 1}`
  const words = (round: number, but: number | null) =>
    voices
      .flatMap((_, voice) => (voice === but ? [] : [`Voice ${voice + 1}:\n{{nodes.${nodeId(round, voice)}}}`]))
      .join('\n\n')
  const withPrompt = (prompt: string, others: string) => [
    ...messages,
    { role: 'user', content: prompt.replace('{{others}}', () => others) },
  ]
  for (let round = 1; round <= rounds; round++) {
    for (const [voice, model] of voices.entries()) {
      const conversation = round === 1 ? messages : withPrompt(debatePrompt, words(round - 1, voice))
      nodes.push({ id: nodeId(round, voice), model, messages: conversation, ...context.manner })
    }
  }
  const verdict = withPrompt(verdictPrompt, words(rounds, null))
  nodes.push({
    id: 'answer',
    model: judgeOf(judge, context),
    messages: verdict,
    ...context.manner,
    ...context.lastManner,
  })
  return { nodes, params: { said }, result: 'answer' }
}

function planAndSolve(params: Params<'plan-and-solve'>, context: TemplateContext): Json {
  const { model = context.model, planner, steps = 6 } = params
  const { messages, said } = quoted(context.messages)
  const schema = {
    type: 'object',
    properties: { steps: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: steps } },
    required: ['steps'],
    additionalProperties: false,
  }
  const ask = (content: string) => [...messages, { role: 'user', content }]
  const { manner, lastManner } = context
  const nodes = [
    { id: 'plan', model: judgeOf(planner, context), messages: ask(stepsPrompt), output: { schema }, ...manner },
    {
      id: 'steps',
      model,
      messages: ask(stepPrompt),
      map: { over: 'nodes.plan.steps', max: steps, join: '\n\n' },
      ...manner,
    },
    {
      id: 'answer',
      model,
      messages: ask(solvePrompt.replace('{{results}}', '{{nodes.steps}}')),
      ...manner,
      ...lastManner,
    },
  ]
  return { nodes, params: { said }, result: 'answer' }
}
