/**
 * A response that a durable intent makes: in the background, by a virtual model, or under an Idempotency-Key. It is
 * made of the intent whenever it is asked for, and followed as events that have the same numbers for every reader and
 * after a restart, so that a client can resume from any of them.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IntentView } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { parsedResult, type ResultMessage } from '../streaming/intent-answer.ts'
import type { AnswerEncoder } from '../streaming/intent-stream.ts'
import { sumsOf } from '../virtual/virtual-chat.ts'
import { EventWriter } from './events/event-writer.ts'
import { errorFields, ResponseAnswer } from './events/response-answer.ts'
import { responseId } from './items/item-ids.ts'
import { type Echo, echoOf, responseObject } from './items/response-object.ts'
import { toolNamesIn } from './items/tool-names.ts'

type Json = Record<string, unknown>

/** The key in the intent's metadata that holds what its form needs at least. */
const responseLabel = 'chasm.response'

interface Label {
  model: string
  background: boolean
}

export function labelFor(label: Label): Record<string, string> {
  return { [responseLabel]: JSON.stringify(label) }
}

/** Whether the intent was made as a response. Clients write what they like into the metadata of their own intents. */
export function isResponse({ metadata }: IntentView): boolean {
  try {
    return typeof (JSON.parse(metadata[responseLabel] ?? 'null') as Label | null)?.model === 'string'
  } catch {
    return false
  }
}

/** What its response repeats of the request, as far as the intent alone tells. */
export function echoIn(view: IntentView): Echo {
  const { [responseLabel]: _, ...own } = view.metadata
  return echoOf({ background: labelOf(view).background, metadata: own })
}

function labelOf({ metadata }: IntentView): Label {
  return JSON.parse(metadata[responseLabel]!) as Label
}

const ignore = () => {}

/** The whole response as it is now; `echo` is what is kept of its request. */
export function durableResponse(context: RequestContext, view: IntentView, echo: Echo): Json {
  const { edge } = context
  const { id, state, fault, resultNode } = view
  const times = { createdAt: seconds(view.createdMs), completedAt: null }
  const { usage: sums, chasm } = sumsOf(context, view)
  if (state !== 'done') {
    const status = state === 'running' ? 'in_progress' : state
    const { model } = labelOf(view)
    const shown = { id: responseId(id), ...times, status, model, output: [], usage: sums, reason: null } as const
    const failed = state === 'failed' ? fault : null
    return responseObject(echo, { ...shown, fault: failed, serviceTier: null, store: true, chasm })
  }
  const beginning = beginningOf(view, echo)
  const answer = new ResponseAnswer(beginning, ignore)
  answer.add(parsedResult(edge.intents.result(id, resultNode)))
  const isOfSeveral = isVirtual(beginning.model)
  // Of several nodes the sum counts, of one what its provider counted in detail.
  if (isOfSeveral) answer.add({ usage: sums })
  answer.close()
  // Of models that were asked in turn the last one answered, in the place of the result node.
  const served = edge.intents.tasks(id).findLast((task) => task.state === 'done' && task.served !== null)?.served?.model
  const model = isOfSeveral ? beginning.model : served
  return answer.ended({ atSeconds: seconds(view.finishedMs ?? view.createdMs), model, chasm }, true)
}

function beginningOf(view: IntentView, echo: Echo) {
  const id = responseId(view.id)
  const { model } = labelOf(view)
  return { id, createdAt: seconds(view.createdMs), model, echo, toolNames: toolNamesIn(echo.tools), store: true }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** The events of such a response; those up to number `after` are left out. */
export class DurableEncoder implements AnswerEncoder {
  private readonly writer: EventWriter
  private readonly answer: ResponseAnswer
  private hasReasoning = false

  constructor(
    private readonly context: RequestContext,
    private readonly view: IntentView,
    private readonly echo: Echo,
    after = -1,
  ) {
    this.writer = new EventWriter('repeatable', after)
    this.answer = new ResponseAnswer(beginningOf(view, echo), this.writer.emit)
  }

  opening(): string {
    this.answer.open()
    return this.writer.take()
  }

  reasoning(text: string): string {
    this.hasReasoning = true
    this.answer.think(text)
    return this.writer.take()
  }

  text(piece: string): string {
    this.answer.say(piece)
    return this.writer.take()
  }

  progress(): string {
    return ''
  }

  done({ message, finish }: ResultMessage): string {
    // Text has been given out, and so has reasoning that came before it.
    const thought = this.hasReasoning ? { reasoning: null, reasoning_content: null } : null
    const rest = { ...message, content: null, ...thought }
    this.answer.add({ choices: [{ message: rest, finish_reason: finish }] })
    this.answer.close()
    return this.end(this.now())
  }

  failed(why: Fault): string {
    const view = this.context.edge.intents.intent(this.view.id, null)
    if (view === undefined || view.state === 'running' || view.state === 'done') {
      this.writer.emit('error', errorFields(why))
      return `${this.writer.take()}${doneMark}`
    }
    // The API has published no event for an answer that was cancelled.
    return this.end(this.now(), 'failed')
  }

  private now(): Json {
    const { context, view, echo } = this
    return durableResponse(context, context.edge.intents.intent(view.id, null) ?? view, echo)
  }

  private end(response: Json, type = response.status as string): string {
    this.writer.emit(`response.${type}`, { response })
    return `${this.writer.take()}${doneMark}`
  }
}

/** Ends every stream: clients of OpenAI's ignore it, and Open Responses asks for it. */
export const doneMark = 'data: [DONE]\n\n'
