/**
 * What the bench's provider writes into its answers so that a reader can check and time them without sharing a clock
 * with it: a number and a moment in every piece of a stream, a hash of all pieces at its end, the time taken in a whole
 * answer. The stamped provider and the raw relay's worker write them, the load generators read them.
 */

/** Piece `index` of a stream; `sinceAskedMs` is the provider's own time up to it. */
export function stamp(index: number, nowMs: number, sinceAskedMs: number): string {
  return `${index}@${nowMs.toFixed(3)}+${sinceAskedMs.toFixed(3)} `
}

export const stampPattern = /^(\d+)@([\d.]+)\+([\d.]+) x*$/

/** Goes on from the hash of all pieces before. */
export function stampHash(hash: number, piece: string): number {
  let next = hash
  for (let i = 0; i < piece.length; i++) next = (Math.imul(next, 31) + piece.charCodeAt(i)) >>> 0
  return next
}

/** One line of a stream, as a provider gives it to the scout. */
export function contentLine(content: string): string {
  return `{"choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":null,"logprobs":null}]}`
}

export const lastLine = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop","logprobs":null}]}'

const padding = 'x'.repeat(96)

/** Of whole answers: no two of a process are the same, as no two of a model are, or audits would take it for junk. */
let serial = 0

/** A whole answer of about 300 bytes and `moreBytes` that holds how long it took. */
export function wholeAnswer(tookMs: number, moreBytes = 0): string {
  const content = `took ${tookMs.toFixed(3)} ms as ${++serial} ${padding}${'x'.repeat(moreBytes)}`
  return (
    `{"choices":[{"index":0,"message":{"role":"assistant","content":"${content}"},` +
    '"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":80,"completion_tokens":40,"total_tokens":120}}'
  )
}

const tookPattern = /"took ([\d.]+) ms /

/** The provider's own time of a whole answer; 0 when the text holds none. */
export function tookMs(answer: string): number {
  return Number(tookPattern.exec(answer)?.[1] ?? 0)
}
