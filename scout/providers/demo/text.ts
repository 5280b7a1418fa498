/**
 * What the demo provider says: one choice of an answer, cut into token-like pieces, made from the request and the dice
 * alone. How fast the pieces leave and in which envelope is `demo.ts`'s.
 */
import { type Dice, pick } from './dice.ts'
import { scrollFor } from './plan.ts'
import type { DemoChat } from './request.ts'
import { instanceOf } from './schema.ts'

export interface DemoChoice {
  /** Joined they are the content, or the arguments of the call. */
  pieces: string[]
  /** The tool that is called, if one is. */
  call: { id: string; name: string } | null
  finish: 'stop' | 'length' | 'tool_calls'
}

const introduction = "This is Chasm's built-in demo provider, not a language model."
const filler = [
  ' The same messages and the same seed always give this same answer.',
  ' Nothing here was thought about; the words come from a short list.',
  ' It exists so that everything around a model can be tried without one.',
  ' Set a key or a local server for the scout to hear from a real model.',
  ' Every piece of this text travelled as a chunk of its own.',
  ' Its speed, length and failures are settings of the scout.',
]

/** One choice; `tokens` is how long a text is when nothing shortens it. */
export function choiceOf(chat: DemoChat, tokens: number, dice: Dice): DemoChoice {
  const { form } = chat
  if (form.type === 'call') {
    const id = `call_${hexOf(dice)}${hexOf(dice)}${hexOf(dice)}`
    const pieces = piecesOf(JSON.stringify(instanceOf(form.schema, dice, form.param)))
    return { pieces, call: { id, name: form.tool }, finish: 'tool_calls' }
  }
  const pieces = cutAtStops(form.type === 'text' ? prose(chat, tokens, dice) : piecesOf(json(chat, dice)), chat.stops)
  const isWhole = pieces.length <= chat.tokensMax
  const said = isWhole ? pieces : pieces.slice(0, chat.tokensMax)
  return { pieces: restOf(said, chat.prefix), call: null, finish: isWhole ? 'stop' : 'length' }
}

/** What comes after the part that was said before, so that both together are the answer in one go. */
function restOf(pieces: string[], prefix: string): string[] {
  return prefix === '' ? pieces : piecesOf(pieces.join('').slice(prefix.length))
}

function prose({ gist, toolResult }: DemoChat, tokens: number, dice: Dice): string[] {
  const heard = toolResult === null ? ` You said: "${gist.trim()}".` : ` The tool answered: "${toolResult.trim()}".`
  const pieces = piecesOf(introduction + heard)
  // What a tool said is the point of the answer: a short setting does not cut it off.
  if (toolResult !== null) return pieces
  while (pieces.length < tokens) pieces.push(...piecesOf(pick(filler, dice)))
  return pieces.slice(0, tokens)
}

function json({ form, gist }: DemoChat, dice: Dice): string {
  if (form.type === 'scroll') return scrollFor(gist)
  if (form.type === 'json') return JSON.stringify(instanceOf(form.schema, dice, form.param))
  return JSON.stringify({ note: introduction, heard: gist.trim() })
}

function piecesOf(text: string): string[] {
  return text.match(/\s*(?:[\p{L}\p{N}]{1,12}|[^\s\p{L}\p{N}]{1,4})|\s+$/gu) ?? []
}

/** The text before the first of `stops`. */
function cutAtStops(pieces: string[], stops: readonly string[]): string[] {
  if (stops.length === 0) return pieces
  const text = pieces.join('')
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0)
  return places.length === 0 ? pieces : piecesOf(text.slice(0, Math.min(...places)))
}

function hexOf(dice: Dice): string {
  return Math.floor(dice() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
}

/** Log probabilities of one piece, well-formed and meaningless. */
export function logprobsOf(piece: string, alternatives: number, dice: Dice): object {
  const entry = (token: string, logprob: number) => ({ token, logprob, bytes: [...new TextEncoder().encode(token)] })
  const best = -Math.round(dice() * 1_000) / 1_000
  const others = Array.from({ length: Math.max(alternatives - 1, 0) }, (_, rank) =>
    entry(`${piece}${rank + 1}`, best - rank - 1),
  )
  const top = alternatives > 0 ? [entry(piece, best), ...others] : []
  return { ...entry(piece, best), top_logprobs: top }
}
