/**
 * One response while it is made: takes what a chat completion consists of, keeps the output that it amounts to, and
 * writes the events of both. A response that is given whole takes the same way with a writer that nobody reads. Pure.
 */
import { type Fault, faultTable } from '../../../../shared/faults.ts'
import { type ChoiceDelta, ResponseOutput } from '../items/output.ts'
import {
  type Echo,
  endingOf,
  type ResponseState,
  responseObject,
  type Status,
  shownError,
} from '../items/response-object.ts'
import type { Emit } from '../items/slot.ts'
import type { ToolNames } from '../items/tool-names.ts'

type Json = Record<string, unknown>

/** What a response is from its beginning. */
export interface Beginning {
  id: string
  /** Seconds since 1970. */
  createdAt: number
  /** What was asked for, until it is known who serves it. */
  model: string
  echo: Echo
  toolNames: ToolNames
  store: boolean
}

/** What is known of it at its end. */
export interface Ending {
  /** Seconds since 1970. */
  atSeconds: number
  model?: string | undefined
  chasm?: unknown
}

/** One line of a streamed chat completion, or the whole. */
interface Completion {
  choices?: (ChoiceDelta & { index?: number; finish_reason?: unknown })[]
  usage?: unknown
  service_tier?: unknown
}

export class ResponseAnswer {
  private readonly output: ResponseOutput
  private finishReason: unknown = null
  private usage: unknown = null
  private serviceTier: unknown = null

  constructor(
    private readonly beginning: Beginning,
    private readonly emit: Emit,
  ) {
    this.output = new ResponseOutput(beginning.id, beginning.toolNames, emit)
  }

  open(model = this.beginning.model): void {
    const response = this.response('in_progress', { model })
    this.emit('response.created', { response })
    this.emit('response.in_progress', { response })
  }

  /** A line of the stream, its tail, or a whole completion: of its choices, the first one. */
  add({ choices, usage, service_tier: tier }: Completion): void {
    for (const choice of choices ?? []) {
      if ((choice.index ?? 0) !== 0) continue
      this.output.add(choice)
      if (typeof choice.finish_reason === 'string') this.finishReason = choice.finish_reason
    }
    if (usage) this.usage = usage
    if (typeof tier === 'string') this.serviceTier = tier
  }

  /** Reasoning and text that come without a completion around them. */
  think(text: string): void {
    this.output.think(text)
  }

  say(text: string): void {
    this.output.say(text)
  }

  /** Nothing is added any more: the last items are whole, as far as the answer is. */
  close(): void {
    this.output.end(endingOf(this.finishReason).status)
  }

  /** The response as it ended; `isStored` says whether it can be fetched. Call `close` before. */
  ended({ atSeconds, model, chasm }: Ending, isStored: boolean): Json {
    const { status, reason } = endingOf(this.finishReason)
    const completedAt = status === 'completed' ? atSeconds : null
    return this.response(status, { reason, completedAt, model, chasm, store: isStored })
  }

  /** The last event. */
  finish(response: Json): void {
    this.emit(`response.${response.status}`, { response })
  }

  /** It failed after it had begun. What it said so far stays in the output. */
  fail(fault: Fault, { model, chasm }: Partial<Ending> = {}): Json {
    this.output.end('incomplete')
    const response = this.response('failed', { fault, model, chasm, store: false })
    this.emit('response.failed', { response })
    return response
  }

  private response(status: Status, more: Partial<{ [K in keyof ResponseState]: ResponseState[K] | undefined }>): Json {
    const { id, createdAt, model, echo, store } = this.beginning
    const { usage, serviceTier } = this
    const known = { id, createdAt, status, output: this.output.done, usage, serviceTier }
    const rest = { completedAt: null, fault: null, reason: null }
    const { model: served, store: isStored, ...others } = more
    const state = { ...known, ...rest, ...others, model: served ?? model, store: isStored ?? store }
    return responseObject(echo, state as ResponseState)
  }
}

/** The event of a stream that breaks without a response to show: both published forms of it in one. */
export function errorFields(fault: Fault): Json {
  const { code, message } = shownError(fault)
  const param = fault.param ?? null
  return { code, message, param, error: { type: faultTable[fault.code].type, code, message, param } }
}
