/**
 * What kind of scouts a fleet consists of. The command line sets it, the processes of the fleet build their scouts by
 * it, and requests are made for the models it names.
 */
import { numberMark } from '../load/http-connection.ts'

export interface Population {
  /** Models in the whole fleet, and how many of them one scout offers. */
  models: number
  offers: number
  /** Tasks at once per scout. */
  concurrency: number
  /** `stamped` answers can be checked and timed and cost the fleet little; `demo` is the product's own. */
  provider: 'stamped' | 'demo'
  /** The provider's own time before an answer. */
  thinkMs: number
  /** Length and speed of streamed answers; speed 0 is as fast as possible. */
  tokens: number
  tokensPerSecond: number
  /** What a token is padded with; 0 leaves it at its stamp. */
  tokenBytes: number
  /** What a whole answer is padded with. */
  answerBytes: number
  /** Share of scouts whose provider fails every other request. */
  faulty: number
}

const prompt = 'Tell me in a few plain words why the sky is blue and why the evening is red. '.repeat(6)

/** One request of about 500 bytes for each model. */
export function chatBodies({ models }: Population, more: object = {}): string[] {
  return Array.from({ length: models }, (_, model) =>
    JSON.stringify({ model: `bench-${model}`, messages: [{ role: 'user', content: prompt.slice(0, 420) }], ...more }),
  )
}

/** Requests of growing lengths, each of which is sent with another number: no two prompts are alike. */
export function changingBodies({ models }: Population, charsMax: number): string[] {
  return Array.from({ length: models }, (_, model) => {
    const text = prompt
      .repeat(Math.ceil(charsMax / prompt.length))
      .slice(0, Math.ceil((charsMax * (model + 1)) / models))
    return JSON.stringify({ model: `bench-${model}`, messages: [{ role: 'user', content: numberMark + text }] })
  })
}
