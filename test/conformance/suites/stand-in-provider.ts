/**
 * The model that suites of strangers ask: the demo provider, with what they look for beside text. One name for chats and
 * vectors, thoughts before an answer where an effort is asked for, several calls at once, and counts of what a prompt
 * shares with an earlier one. It is as true as a suite can check: caps hold for thoughts as well.
 */
import { DemoProvider, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import type { AnswerWriter, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { realSystem } from '../../../shared/system.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

export const standInModel = 'stand-in'
const thought = 'Let me look at what is asked here, and at what was said before it.'
const thoughtTokens = 16
/** Prompts remembered for counting what later ones share with them. */
const promptsKept = 32
const charsPerToken = 4

export class StandInProvider extends DemoProvider {
  private readonly prompts: string[] = []

  constructor() {
    super({ ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0 }, realSystem())
  }

  override async discover(): Promise<Offer[]> {
    return (['chat', 'embed'] as const).map((kind) => offerOf({ kind, model: standInModel, provider: this.name }))
  }

  override async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    if (request.kind === 'embed') return super.answer({ ...request, model: 'demo-embed' }, writer, signal)
    const asked = JSON.parse(Buffer.from(request.body).toString()) as Json
    const messages = recalling(asked.messages)
    const ask = (fields: Json, stream: boolean) => {
      const body = Buffer.from(JSON.stringify({ ...asked, messages, ...fields }))
      return super.answer({ ...request, model: 'demo-small', stream, body }, writer, signal)
    }
    const cached = this.remember(asked)
    const thinks = typeof asked.reasoning_effort === 'string' && asked.reasoning_effort !== 'none'
    const spent = thinks ? thoughtTokens : 0
    const most = (asked.max_completion_tokens ?? asked.max_tokens ?? Number.POSITIVE_INFINITY) as number
    if (thinks && request.stream) await writer.line(line({ role: 'assistant', reasoning_content: thought }))
    if (thinks && most <= spent) return this.cut(request, writer, await ask({}, false), most, cached)
    const cap = Number.isFinite(most) ? { max_tokens: most - spent, max_completion_tokens: undefined } : {}
    const made = wantsAll(asked) ? await this.callAll(asked, request, writer, ask) : await ask(cap, request.stream)
    return { json: JSON.stringify(withThought(JSON.parse(made.json) as Json, thinks, spent, cached)) }
  }

  /** All that may be said was thought. */
  private async cut(
    request: ProviderRequest,
    writer: AnswerWriter,
    { json }: ProviderAnswer,
    most: number,
    cached: number,
  ): Promise<ProviderAnswer> {
    const whole = withThought(JSON.parse(json) as Json, true, 0, cached)
    const { prompt_tokens: prompt } = whole.usage
    const usage = { ...whole.usage, completion_tokens: most, total_tokens: prompt + most }
    usage.completion_tokens_details = { reasoning_tokens: most }
    const message = { role: 'assistant', content: '', reasoning_content: thought, refusal: null }
    if (request.stream) await writer.line(line({ content: '' }, 'length'))
    const choices = request.stream ? [] : [{ index: 0, message, finish_reason: 'length', logprobs: null }]
    return { json: JSON.stringify({ choices, usage }) }
  }

  /** One call of each tool, in one answer. */
  private async callAll(
    asked: Json,
    request: ProviderRequest,
    writer: AnswerWriter,
    ask: (fields: Json, stream: boolean) => Promise<ProviderAnswer>,
  ): Promise<ProviderAnswer> {
    const calls: Json[] = []
    let usage: Json = {}
    for (const tool of asked.tools as Json[]) {
      const choice = { type: 'function', function: { name: tool.function.name } }
      const made = JSON.parse((await ask({ tools: [tool], tool_choice: choice }, false)).json) as Json
      calls.push({ ...made.choices[0].message.tool_calls[0], id: `call_${calls.length + 1}` })
      usage = made.usage
    }
    if (request.stream) {
      await writer.line(line({ role: 'assistant', content: null }))
      for (const [index, call] of calls.entries()) await writer.line(line({ tool_calls: [{ index, ...call }] }))
      await writer.line(line({}, 'tool_calls'))
      return { json: JSON.stringify({ choices: [], usage }) }
    }
    const message = { role: 'assistant', content: null, refusal: null, tool_calls: calls }
    return {
      json: JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'tool_calls', logprobs: null }], usage }),
    }
  }

  /** Tokens that this prompt shares with an earlier one, from its beginning on. */
  private remember({ messages }: Json): number {
    const prompt = JSON.stringify(messages).slice(0, -1)
    const shared = Math.max(0, ...this.prompts.map((earlier) => commonChars(earlier, prompt)))
    this.prompts.push(prompt)
    if (this.prompts.length > promptsKept) this.prompts.shift()
    return Math.floor(shared / charsPerToken)
  }
}

/** The demo repeats what was said last; a model knows of what was said before as well. */
function recalling(messages: Json[]): Json[] {
  const said = messages.filter(({ role, content }) => role === 'user' && typeof content === 'string')
  const last = messages.at(-1)
  if (said.length < 2 || last === undefined || said.at(-1) !== last) return messages
  return [...messages.slice(0, -1), { ...last, content: said.map(({ content }) => content).join(' ') }]
}

function wantsAll({ tools, tool_choice: choice, parallel_tool_calls: parallel, messages }: Json): boolean {
  const isOpen = choice === undefined || choice === 'auto' || choice === 'required'
  const last = messages.at(-1)
  return tools?.length > 1 && isOpen && parallel !== false && last.role === 'user' && /both/i.test(JSON.stringify(last))
}

function withThought(answer: Json, thinks: boolean, spent: number, cached: number): Json {
  const { prompt_tokens: prompt, completion_tokens: completion } = answer.usage
  // No cache holds all of a prompt. Half of it also passes where cached tokens are counted beside the others.
  const details = { prompt_tokens_details: { cached_tokens: Math.min(cached, Math.floor(prompt / 2)) } }
  const reasoned = { completion_tokens_details: { reasoning_tokens: spent } }
  const sums = { completion_tokens: completion + spent, total_tokens: prompt + completion + spent }
  for (const { message } of answer.choices) if (thinks) message.reasoning_content = thought
  return { ...answer, usage: { ...answer.usage, ...sums, ...details, ...reasoned } }
}

function line(delta: object, finish: string | null = null): string {
  return JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }] })
}

function commonChars(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  return at
}
