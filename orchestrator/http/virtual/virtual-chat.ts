/**
 * A chat completion by one of the virtual models: planned, accepted as a durable intent, and answered by its last node,
 * streamed or whole. Usage is the sum of all nodes, and `chasm` has the usage of each. A client that
 * leaves cancels all of it, unless the request has an Idempotency-Key.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import type { IntentView, Viewer } from '../../engine/ports/intents.ts'
import { type Acceptance, acceptPlan, clientLeft, type PlanRequest } from '../intents/accept-plan.ts'
import type { RequestContext } from '../request-context.ts'
import { shownUsage } from '../response/intent-view.ts'
import { faultBody, jsonResponse, refuse } from '../response/response.ts'
import type { JsonBody } from '../schema/body.ts'
import type { ChasmFields } from '../schema/routing-options.ts'
import { callsTools, templateOf, virtualNames } from '../schema/virtual-models.ts'
import { IntentAnswer, type ResultMessage } from '../streaming/intent-answer.ts'
import { type AnswerEncoder, streamIntent } from '../streaming/intent-stream.ts'

type Json = Record<string, unknown>

interface Asked {
  model: string
  messages: unknown[]
  stream?: boolean | null
  stream_options?: { include_usage?: boolean | null } | null
  chasm?: ChasmFields | null
}

/** All that is still needed of the request once it was accepted: its parsed body is many times as large. */
interface Form {
  model: string
  withUsage: boolean
  withProgress: boolean
}

/** Request fields that every node gets, and those that only the last one gets. */
const manners = ['temperature', 'top_p', 'seed', 'presence_penalty', 'frequency_penalty']
const toolFields = ['tools', 'tool_choice', 'parallel_tool_calls']
const lastManners = ['max_tokens', 'max_completion_tokens', 'stop', 'response_format', ...toolFields]
/** All that a virtual model takes of a chat request. */
export const virtualFields: readonly string[] = ['model', 'messages', 'stream', ...manners, ...lastManners]
/** Fields without a meaning when several models make one answer, and those by which others are told whom to ask. */
const unfit = ['functions', 'n', 'logprobs', 'top_logprobs', 'audio', 'models', 'provider']

export async function virtualChat(context: RequestContext, body: JsonBody): Promise<Response> {
  const accepted = await acceptPlan(context, body, virtualPlan)
  if ('code' in accepted) return refuse(context.id, accepted)
  const { model, stream, stream_options: options, chasm } = accepted.sent as unknown as Asked
  const form = { model, withUsage: options?.include_usage === true, withProgress: chasm?.progress === true }
  const { acceptance } = accepted
  return stream === true ? streamed(context, acceptance, form) : whole(context, acceptance, form)
}

/** The plan behind a virtual model; `sent` is a chat request. */
export function virtualPlan(sent: Json): PlanRequest | Fault {
  const asked = sent as unknown as Asked
  const flaw = flawOf(sent, asked)
  if (flaw !== null) return flaw
  const template = templateOf(asked.model)!
  const params = { ...asked.chasm?.params, messages: asked.messages }
  const forms = { manner: pick(sent, manners), lastManner: pick(sent, lastManners) }
  return {
    asked: { template, params, ...forms },
    deadlineMs: asked.chasm?.deadline_ms ?? requestDeadlineMs,
    metadata: { 'chasm.model': asked.model },
    mustBeOffered: modelsIn(params),
    // A stream is not given again, as with a plain chat.
    ignoresKey: asked.stream === true,
    tellsOutcome: true,
  }
}

/** Names of models in a template's params. What is no name is the template's to refuse. */
function modelsIn({ model, models, judge, planner }: Json): string[] {
  const named = [model, judge, planner, ...(Array.isArray(models) ? models : [])]
  return named.filter((name) => typeof name === 'string')
}

function flawOf(sent: Json, { model, chasm }: Asked): Fault | null {
  if (templateOf(model) === undefined) {
    const text = `There is no virtual model of this name: use one of ${virtualNames.join(', ')}.`
    return fault('model_not_found', text, { param: 'model' })
  }
  const field = unfit.find((key) => isMeant(key, sent[key]))
  if (field !== undefined) {
    const text = `\`${field}\` has no meaning for ${model}, which makes one answer of several`
    return fault('invalid_request', `${text}: remove it, or name another model.`, { param: field })
  }
  const tool = callsTools(model) ? undefined : toolFields.find((key) => isMeant(key, sent[key]))
  if (tool !== undefined) {
    const able = virtualNames.filter(callsTools).join(', ')
    const text = `\`${tool}\` cannot be used with ${model}, none of whose nodes answers the conversation as a whole`
    return fault('invalid_request', `${text}: remove it, or name one of ${able}.`, { param: tool })
  }
  if (!chasm?.continue && !chasm?.only && !chasm?.ignore && !chasm?.hedge_after_ms) return null
  const text = `Of \`chasm\` only \`params\`, \`progress\` and \`deadline_ms\` are for ${model}: remove the others.`
  return fault('invalid_request', text, { param: 'chasm' })
}

function isMeant(key: string, value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && !(key === 'n' && value === 1) && !isEmpty(value)
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function pick(from: Json, keys: readonly string[]): Json {
  return Object.fromEntries(keys.filter((key) => (from[key] ?? null) !== null).map((key) => [key, from[key]]))
}

/** The answer of an intent of this client's. */
export function answerOf(
  { edge, caller }: RequestContext,
  { id, resultNode }: IntentView,
  viewer: Viewer = caller!.tenant,
): IntentAnswer {
  const events = edge.intents.events(id, viewer, null)!
  return new IntentAnswer({ events, resultNode, result: () => edge.intents.result(id, resultNode) })
}

function streamed(context: RequestContext, accepted: Acceptance, form: Form): Response {
  const { view } = accepted
  const onLeave = () => clientLeft(context, accepted)
  return streamIntent(context, {
    answer: answerOf(context, view),
    encoder: new ChatEncoder(context, view, form),
    onLeave,
  })
}

class ChatEncoder implements AnswerEncoder {
  private readonly head: Json

  constructor(
    private readonly context: RequestContext,
    private readonly view: IntentView,
    private readonly form: Form,
  ) {
    this.head = headOf(view, form.model, 'chat.completion.chunk')
  }

  opening(): string {
    const chasm = { intent: this.view.id }
    return this.chunk({ choices: [choice({ role: 'assistant', content: '' }, null)], chasm })
  }

  text(piece: string): string {
    return this.chunk({ choices: [choice({ content: piece }, null)] })
  }

  progress({ type, data }: { type: string; data: string }): string {
    if (!this.form.withProgress) return ''
    return this.chunk({ choices: [], chasm: { event: type, ...(JSON.parse(data) as object) } })
  }

  reasoning(): string {
    return ''
  }

  done({ message, finish, calls }: ResultMessage): string {
    const { refusal = null } = message
    const toolCalls = calls.map((call, index) => ({ index, ...call }))
    const called = calls.length > 0 ? this.chunk({ choices: [choice({ tool_calls: toolCalls }, null)] }) : ''
    const last = called + this.chunk({ choices: [choice(refusal === null ? {} : { refusal }, finish)] })
    const sums = sumsOf(this.context, this.view)
    const usage = this.form.withUsage ? this.chunk({ choices: [], ...sums }) : ''
    return `${last}${usage}data: [DONE]\n\n`
  }

  failed(why: Fault): string {
    return `data: ${faultBody(why)}\n\n`
  }

  private chunk(fields: Json): string {
    return `data: ${JSON.stringify({ ...this.head, ...fields })}\n\n`
  }
}

function headOf({ id, createdMs }: IntentView, model: string, object: string): Json {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(createdMs / 1000), model }
}

function choice(delta: object, finish: string | null): Json {
  return { index: 0, delta, finish_reason: finish, logprobs: null }
}

/** The usage of all nodes together, and of each. */
export function sumsOf({ edge }: RequestContext, { id }: IntentView): { usage: object; chasm: object } {
  const view = edge.intents.intent(id, null)!
  const nodes = edge.intents.tasks(id).map(({ node, model, state, served, usage }) => {
    return { node, model: served?.model ?? model, state, scout: served?.scout ?? null, usage: shownUsage(usage) }
  })
  return { usage: shownUsage(view.usage), chasm: { intent: id, nodes } }
}

async function whole(context: RequestContext, accepted: Acceptance, form: Form): Promise<Response> {
  const { id } = context
  const { view } = accepted
  const end = await endOf(context, answerOf(context, view), () => clientLeft(context, accepted))
  if ('code' in end) return refuse(id, end)
  const { message: last, finish, calls } = end.result
  const called = calls.length > 0
  const content = called && end.text === '' ? null : end.text
  const said = { role: 'assistant', content, refusal: last.refusal ?? null }
  const message = { ...said, ...(called && { tool_calls: calls }) }
  const choices = [{ index: 0, message, finish_reason: finish, logprobs: null }]
  const sums = sumsOf(context, view)
  return jsonResponse(id, JSON.stringify({ ...headOf(view, form.model, 'chat.completion'), choices, ...sums }))
}

/** Waits for the end of an answer: its text, or why there is none. */
export async function endOf(
  context: RequestContext,
  answer: IntentAnswer,
  onLeave: () => void,
): Promise<{ text: string; result: ResultMessage } | Fault> {
  let isGone = false
  const leave = () => {
    isGone = true
    onLeave()
    answer.close()
  }
  const { edge } = context
  edge.waits.begin(context, leave)
  let text = ''
  try {
    for (;;) {
      if (isGone) return fault('cancelled', 'The client closed the connection before the answer was there.')
      const update = answer.take()
      text += update?.text ?? ''
      if (update?.end === 'done') return { text, result: answer.result() }
      if (update?.end) return update.end
      if (update === null) await answer.readable()
    }
  } finally {
    answer.close()
    edge.waits.end(context)
  }
}
