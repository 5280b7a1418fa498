/**
 * A chat completion as a text completion: choices, log probabilities and usage, of whole answers and of chunks. Pure
 * but for the places in the text, which a stream counts from chunk to chunk.
 */

export type Json = Record<string, unknown>

/** Texts of one prompt's choices so far, in characters; log probabilities say where each token is. */
export class TextChoices {
  private readonly offsets = new Map<number, number>()

  constructor(
    private readonly firstIndex: number,
    private readonly promptChars: number,
  ) {}

  /** The choices of an answer or of a chunk; those of a chunk that say nothing are left out. */
  of(chat: Json): Json[] {
    const choices = Array.isArray(chat.choices) ? (chat.choices as Json[]) : []
    return choices.flatMap((choice) => {
      const isWhole = isObject(choice.message)
      const text = textOf((isWhole ? choice.message : choice.delta) as Json | undefined)
      const finish = finishOf(choice.finish_reason)
      const index = this.firstIndex + (typeof choice.index === 'number' ? choice.index : 0)
      const logprobs = this.logprobs(index, choice.logprobs)
      if (!isWhole && text === '' && finish === null && logprobs === null) return []
      return [{ text, index, logprobs, finish_reason: finish }]
    })
  }

  private logprobs(index: number, logprobs: unknown): Json | null {
    const entries = isObject(logprobs) && Array.isArray(logprobs.content) ? (logprobs.content as Json[]) : []
    if (entries.length === 0) return null
    let offset = this.offsets.get(index) ?? this.promptChars
    const places: number[] = []
    for (const { token } of entries) {
      places.push(offset)
      offset += String(token).length
    }
    this.offsets.set(index, offset)
    return {
      tokens: entries.map(({ token }) => token),
      token_logprobs: entries.map(({ logprob }) => logprob),
      top_logprobs: entries.map(alternatives),
      text_offset: places,
    }
  }
}

function alternatives({ top_logprobs: top }: Json): Json {
  const list = Array.isArray(top) ? (top as Json[]) : []
  return Object.fromEntries(list.map(({ token, logprob }) => [String(token), logprob]))
}

/** A refusal is what the model said. */
function textOf(said: Json | undefined): string {
  return [said?.content, said?.refusal].filter((text) => typeof text === 'string').join('')
}

/** There are no tools to call here. */
function finishOf(reason: unknown): string | null {
  if (typeof reason !== 'string') return null
  return reason === 'length' || reason === 'content_filter' ? reason : 'stop'
}

/** The usage of several answers together; of one, as its provider told it. */
export function usageOf(usages: readonly unknown[]): unknown {
  if (usages.length === 1) return usages[0]
  const sum = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  for (const usage of usages) {
    if (!isObject(usage)) continue
    for (const field of Object.keys(sum) as (keyof typeof sum)[]) {
      const tokens = usage[field]
      if (typeof tokens === 'number') sum[field] += tokens
    }
  }
  return sum
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
