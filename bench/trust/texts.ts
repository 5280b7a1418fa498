/**
 * Synthetic answers for level 2 of the trust experiment: a model knows sentences about each prompt, and an answer is a
 * sample of them in the model's own words. Two answers of one model are alike by as much as the prompt allows: a
 * factual one has few sentences, an open one many. It is no language, but hashed words cannot tell.
 */
import { Random } from '../../orchestrator/core/model/random.ts'

const vocabulary = 6_000
const commonWords = 120
const sentencesPerAnswer = 14

export interface Prompt {
  id: number
  /** Sentences that a model may use; more of them for an open question. */
  sentences: number
}

export function promptOf(id: number): Prompt {
  const random = new Random(0x51ed + id)
  return { id, sentences: 18 + Math.floor(40 * random.unit() ** 2) }
}

/** What a model is here: which sentences it knows, and how freely it puts them. */
export interface Model {
  seed: number
  /** Share of words that are said in another way, as engines, quantization and temperature have it. */
  freedom: number
  /** Share of sentences that it has of its own, instead of those of the model that it claims to be. */
  apart: number
}

export const large: Model = { seed: 1, freedom: 0.12, apart: 0 }
/** The same weights behind another engine and quantization. */
export const largeOdd: Model = { seed: 3, freedom: 0.2, apart: 0.04 }
export const small: Model = { seed: 2, freedom: 0.16, apart: 0.35 }

/** One answer of this model, other each time. */
export function answerOf(model: Model, prompt: Prompt, random: Random): string {
  const sentences: string[] = []
  for (let at = 0; at < sentencesPerAnswer; at++) {
    // Likelier ones first, and roughly in the order of the argument.
    const slot = at + Math.floor((prompt.sentences - sentencesPerAnswer) * random.unit() ** 3)
    const isOwn = new Random(model.seed * 7_919 + prompt.id * 61 + slot).unit() < model.apart
    sentences.push(sentenceOf(isOwn ? model.seed : large.seed, prompt.id, slot, model.freedom, random))
  }
  return sentences.join(' ')
}

function sentenceOf(seed: number, prompt: number, slot: number, freedom: number, random: Random): string {
  const own = new Random(seed * 104_729 + prompt * 1_299 + slot)
  const words: string[] = []
  for (let left = 7 + own.below(9); left > 0; left--) {
    const said = own.unit() < 0.45 ? own.below(commonWords) : own.below(vocabulary)
    words.push(`w${random.unit() < freedom ? random.below(vocabulary) : said}`)
  }
  return `${words.join(' ')}.`
}

/** The beginning of an answer that was to be longer. */
export function truncate(text: string, random: Random): string {
  return text.slice(0, Math.floor(text.length * (0.1 + 0.25 * random.unit())))
}

/** Words without meaning. */
export function junk(random: Random): string {
  return Array.from({ length: 150 }, () => `w${random.below(vocabulary)}`).join(' ')
}
