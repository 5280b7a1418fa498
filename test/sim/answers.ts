/**
 * The one right answer to every request, a function of its bytes alone: whichever scout gives it, after however many
 * attempts, a client must have seen this and nothing else. Providers and strangers speak it, checks compare with it.
 */

export interface KnownAnswer {
  /** Streamed, line by line; the first one carries no content, the last one ends the choice. */
  lines: string[]
  /** What settles the stream. */
  tail: string
  /** Not streamed. */
  whole: string
  text: string
  tokens: number
}

const known = new Map<string, KnownAnswer>()
/** Answers remembered, over all lives of this process. */
const knownMax = 4_000
const largeLineChars = 18_000

/** One in so many answers is large enough to travel in fragments. */
const largeShare = 80

export function answerTo(body: Uint8Array): KnownAnswer {
  const key = Bun.hash(body).toString(36)
  let answer = known.get(key)
  if (answer === undefined) {
    if (known.size >= knownMax) known.clear()
    answer = makeAnswer(key, Number(BigInt(Bun.hash(body)) % 1_000_003n))
    known.set(key, answer)
  }
  return answer
}

function makeAnswer(key: string, draw: number): KnownAnswer {
  const isLarge = draw % largeShare === 1
  const count = isLarge ? 3 : draw % 8
  const words = Array.from({ length: count }, (_, at) => `${key}-${at}${isLarge ? 'x'.repeat(largeLineChars) : ''} `)
  const line = (delta: object, finish: string | null) =>
    JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })
  const lines = [line({ role: 'assistant', content: '' }, null)]
  for (const content of words) lines.push(line({ content }, null))
  lines.push(line({}, 'stop'))
  const usage = { prompt_tokens: draw % 50, completion_tokens: count }
  const text = words.join('')
  const message = { role: 'assistant', content: text }
  return {
    lines,
    tail: JSON.stringify({ choices: [], usage }),
    whole: JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage }),
    text,
    tokens: count,
  }
}

/** The whole answer to a request for embeddings. */
export function embeddingFor(body: Uint8Array): string {
  const embedding = [Number(BigInt(Bun.hash(body)) % 1_000n) / 1_000]
  return JSON.stringify({ data: [{ index: 0, embedding }], usage: { prompt_tokens: 1, completion_tokens: 0 } })
}
