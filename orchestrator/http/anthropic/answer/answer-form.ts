/**
 * What both forms of an answer, whole and streamed, read in a chat completion alike: its reasoning, how it ended, and
 * its usage in Anthropic's terms.
 */

export type Json = Record<string, unknown>

/** What the request asked of the form of its answer. */
export interface AnswerForm {
  /** Reasoning is left out, shown, or shown as a block without its text. */
  thinking: 'none' | 'shown' | 'omitted'
  stops: readonly string[]
}

/** Who the answer is from, as its client sees it. */
export interface MessageHead {
  id: string
  model: string
}

/** Nothing is signed here; clients keep what is in this field and send it back. */
export const signature = 'chasm'

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textIn(from: Json, field: string): string {
  const value = from[field]
  return typeof value === 'string' ? value : ''
}

/** Under either of the two names that providers have for it; those that use both say the same in both. */
export function reasoningIn(from: Json): string {
  return textIn(from, 'reasoning_content') || textIn(from, 'reasoning')
}

/** The parts of a message that tell about its end; before it they are all null. */
export interface Stop {
  stop_reason: string | null
  stop_sequence: string | null
  stop_details: object | null
}

export const notStopped: Stop = { stop_reason: null, stop_sequence: null, stop_details: null }

/** `choice` is the one with the finish reason. Which text stopped an answer is known where its provider tells. */
export function stopOf(choice: Json, has: { calls: boolean; refusal: boolean }, form: AnswerForm): Stop {
  const finish = choice.finish_reason
  if (finish === 'content_filter' || has.refusal) {
    const details = { type: 'refusal', category: null, explanation: null }
    return { stop_reason: 'refusal', stop_sequence: null, stop_details: details }
  }
  if (finish === 'length') return { ...notStopped, stop_reason: 'max_tokens' }
  if (has.calls) return { ...notStopped, stop_reason: 'tool_use' }
  // vLLM and SGLang tell it.
  const text = [choice.stop_reason, choice.matched_stop].find((told) => form.stops.includes(told as string))
  if (text !== undefined) return { ...notStopped, stop_reason: 'stop_sequence', stop_sequence: text as string }
  return { ...notStopped, stop_reason: 'end_turn' }
}

/**
 * The tokens as the provider counted them. A chat completion counts what was read from a cache, or written to it, among
 * its prompt tokens; here they stand beside each other.
 */
export function usageOf(usage: unknown) {
  const told = isObject(usage) ? usage : {}
  const prompt = isObject(told.prompt_tokens_details) ? told.prompt_tokens_details : {}
  const completion = isObject(told.completion_tokens_details) ? told.completion_tokens_details : null
  const read = count(prompt.cached_tokens)
  const written = count(prompt.cache_write_tokens ?? prompt.cache_creation_tokens)
  return {
    input_tokens: Math.max(0, count(told.prompt_tokens) - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: count(told.completion_tokens),
    output_tokens_details: completion === null ? null : { thinking_tokens: count(completion.reasoning_tokens) },
    server_tool_use: null,
  }
}

/** The same with what only a whole message has. */
export function wholeUsage(usage: unknown, tier: unknown) {
  const shownTier = tier === 'priority' ? 'priority' : tier === 'default' ? 'standard' : null
  return { ...usageOf(usage), cache_creation: null, inference_geo: null, service_tier: shownTier }
}

function count(tokens: unknown): number {
  return typeof tokens === 'number' && tokens > 0 ? Math.floor(tokens) : 0
}
