/**
 * Tokens as the provider counted them, in the form of the Responses API. What it did not count is 0, as in every
 * booking of this hub.
 */
type Json = Record<string, unknown>

function countIn(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0
}

/** `usage` is a chat completion's. */
export function usageOf(usage: unknown): Json {
  const { prompt_tokens: prompt, completion_tokens: completion, ...more } = (usage ?? {}) as Json
  const { cached_tokens: cached, cache_write_tokens: written } = (more.prompt_tokens_details ?? {}) as Json
  const { reasoning_tokens: thought } = (more.completion_tokens_details ?? {}) as Json
  const input = countIn(prompt)
  const output = countIn(completion)
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: countIn(cached), cache_write_tokens: countIn(written) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: countIn(thought) },
    total_tokens: input + output,
  }
}
