/**
 * Judges the events of a streamed message: the order that Anthropic's clients rely on, as a table, and the message that
 * a client puts together of them.
 */
import type { MessageEvent } from '../../../orchestrator/http/anthropic/answer/message-events.ts'

type Json = Record<string, unknown>
type Phase = 'before' | 'between' | 'inside' | 'told' | 'over'

const moves: Record<Phase, Partial<Record<string, Phase>>> = {
  before: { message_start: 'between' },
  between: { content_block_start: 'inside', message_delta: 'told', ping: 'between' },
  inside: { content_block_delta: 'inside', content_block_stop: 'between', ping: 'inside' },
  told: { message_stop: 'over' },
  over: {},
}

/** Which deltas a block may have. */
const deltas: Record<string, readonly string[]> = {
  text: ['text_delta'],
  thinking: ['thinking_delta', 'signature_delta'],
  tool_use: ['input_json_delta'],
}

/** The message that the events tell; throws where they are out of order. */
export function accumulated(events: readonly MessageEvent[]): Json & { content: Json[] } {
  let phase: Phase = 'before'
  let message: (Json & { content: Json[] }) | null = null
  const inputs = new Map<Json, string>()
  for (const event of events) {
    const next: Phase | undefined = moves[phase][event.type]
    if (next === undefined) throw new Error(`${event.type} must not come ${phase}`)
    phase = next
    if (event.type === 'message_start') message = structuredClone(event.message) as Json & { content: Json[] }
    const content = message!.content
    if (event.type === 'content_block_start') {
      if (event.index !== content.length) throw new Error(`block ${event.index} begins after ${content.length}`)
      content.push(structuredClone(event.content_block) as Json)
    }
    if (event.type === 'content_block_delta' || event.type === 'content_block_stop') {
      if (event.index !== content.length - 1) throw new Error(`${event.type} is of block ${event.index}`)
    }
    if (event.type === 'content_block_delta') apply(event.delta as Json, content.at(-1)!, inputs)
    if (event.type === 'message_delta') {
      Object.assign(message!, event.delta)
      message!.usage = { ...(message!.usage as Json), ...(event.usage as Json) }
    }
  }
  if (phase !== 'over') throw new Error(`the events end ${phase}`)
  for (const [block, text] of inputs) block.input = JSON.parse(text)
  return message!
}

function apply(delta: Json, block: Json, inputs: Map<Json, string>): void {
  if (!deltas[block.type as string]!.includes(delta.type as string)) {
    throw new Error(`a ${delta.type} in a block of ${block.type}`)
  }
  if (delta.type === 'text_delta') block.text = `${block.text}${delta.text}`
  else if (delta.type === 'thinking_delta') block.thinking = `${block.thinking}${delta.thinking}`
  else if (delta.type === 'signature_delta') block.signature = delta.signature
  else inputs.set(block, `${inputs.get(block) ?? ''}${delta.partial_json}`)
}

/** The events of a stream as it was written, and its comments. */
export function eventsIn(text: string): MessageEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
      if (data === undefined) throw new Error(`no event: ${block}`)
      const event = JSON.parse(data) as MessageEvent
      if (event.type !== type) throw new Error(`${type} holds ${event.type}`)
      return event
    })
}
