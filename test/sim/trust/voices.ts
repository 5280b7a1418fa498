/**
 * How scouts of a life with trust speak when they are asked for prose or for a number: what they say is a function of
 * the request's bytes, of their voice and of who they are, so that a client's check knows it, and the same request has
 * the same answer twice. Everything else is answered by everybody as `answers.ts` has it. Words are drawn by hash; that
 * is all that a comparison of words can see.
 */
import { Random } from '../../../orchestrator/core/model/random.ts'
import { solved } from '../../support/trust/word-problems.ts'
import { answerTo, type KnownAnswer, spoken } from '../answers.ts'

/**
 * `honest` and `noisy` say what the model says, the one word for word and the other in words of its own. `constant`
 * sends one text to everybody, `junk` words without meaning; `cached` does so, too, and has the answers to all probes.
 * `smaller` is like another model now and then and fails questions; so does `slow`, which takes as long as a large one.
 * `ring` says what the others of its ring say.
 */
export const cheats = ['constant', 'junk', 'cached', 'smaller', 'slow', 'ring'] as const
type Cheat = (typeof cheats)[number]
export type Voice = 'honest' | 'noisy' | Cheat

/** Of requests for prose and of probes; all others begin with their messages. */
const spokenBegins = Buffer.from('{"model":')

/** A request for prose, as clients of a life with trust send it. */
export function proseRequest(model: string, stream: boolean, about: string): Uint8Array {
  const messages = [{ role: 'user', content: `Tell me about ${about}` }]
  return Buffer.from(JSON.stringify({ model, messages, stream }))
}

export function isSpoken(body: Uint8Array): boolean {
  return spokenBegins.equals(body.subarray(0, spokenBegins.length))
}
const vocabulary = 4_000
const wordsPerLine = 9
const linesPerAnswer = 7
/** Of the words of prose, those that this voice says in another way; by share of requests, the rarest first. */
const liberties: Record<'noisy' | 'smaller' | 'slow', [share: number, words: number][]> = {
  noisy: [[1, 0.12]],
  smaller: [
    [0.1, 1],
    [0.25, 0.6],
    [1, 0.12],
  ],
  slow: [
    [0.1, 1],
    [0.25, 0.6],
    [1, 0.12],
  ],
}
/** Of questions, those that a smaller model answers wrong. */
const wrongShare = 0.25

const known = new Map<string, KnownAnswer>()
const knownMax = 4_000

/** What a scout of this voice and name answers. */
export function voiced(voice: Voice, name: string, body: Uint8Array): KnownAnswer {
  if (!isSpoken(body)) return answerTo(body)
  const key = `${voice} ${name} ${Bun.hash(body)}`
  let answer = known.get(key)
  if (answer === undefined) {
    answer = made(voice, name, body)
    if (known.size >= knownMax) known.clear()
    known.set(key, answer)
  }
  return answer
}

/** What the model itself says. */
export function honestAnswer(body: Uint8Array): KnownAnswer {
  return voiced('honest', '', body)
}

function made(voice: Voice, name: string, body: Uint8Array): KnownAnswer {
  const content = questionIn(body)
  const number = solved(content)
  const seed = Number(Bun.hash.crc32(content))
  if (number === null || voice === 'constant' || voice === 'junk') return proseOf(voice, name, seed)
  const isWrong = (voice === 'smaller' || voice === 'slow') && new Random(seed).unit() < wrongShare
  return said([`So the number is`, ` ${isWrong ? number + 1 : number}.`])
}

/** What is asked. */
export function questionIn(body: Uint8Array): string {
  const { messages } = JSON.parse(Buffer.from(body).toString('utf8')) as { messages: [{ content: string }] }
  return messages[0].content
}

function proseOf(voice: Voice, name: string, seed: number): KnownAnswer {
  if (voice === 'constant') return prose(new Random(Number(Bun.hash.crc32(name))), null, 0)
  if (voice === 'junk' || voice === 'cached') return prose(new Random(seed + Number(Bun.hash.crc32(name))), null, 0)
  if (voice === 'ring') return prose(new Random(seed + 1), null, 0)
  const model = new Random(seed)
  if (voice === 'honest') return prose(model, null, 0)
  const own = new Random(seed + 2 + Number(Bun.hash.crc32(name)))
  const draw = own.unit()
  const [, words] = liberties[voice].find(([share]) => draw < share)!
  return prose(model, own, words)
}

/** Words as the model has them, this share of them replaced by others. */
function prose(model: Random, own: Random | null, share: number): KnownAnswer {
  const lines = Array.from({ length: linesPerAnswer }, () => {
    const words = Array.from({ length: wordsPerLine }, () => {
      const word = model.below(vocabulary)
      return `w${own !== null && own.unit() < share ? own.below(vocabulary) : word}`
    })
    return `${words.join(' ')} `
  })
  return said(lines)
}

function said(lines: string[]): KnownAnswer {
  return spoken(lines, lines.join(''))
}
