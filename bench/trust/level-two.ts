/**
 * Level 2 of the trust experiment: synthetic texts through the hub's own comparison, ranking and verdict. Gives back
 * at which rates each kind of answer passes or is odd, which is what level 1 assumes of real ones.
 */
import { Random } from '../../orchestrator/core/model/random.ts'
import { type Profile, profileOf } from '../../orchestrator/trust/comparison/grams.ts'
import { TrustedPairs } from '../../orchestrator/trust/comparison/pairs.ts'
import { similarityOf } from '../../orchestrator/trust/comparison/similarity.ts'
import { verdictOf } from '../../orchestrator/trust/comparison/verdict.ts'
import { answerOf, junk, large, largeOdd, type Prompt, promptOf, small, truncate } from './texts.ts'

type Answerer = (prompt: Prompt, random: Random) => string

const honestly: Answerer = (prompt, random) => answerOf(large, prompt, random)

export const answerers: Record<string, Answerer> = {
  honest: honestly,
  'honest, odd deployment': (prompt, random) => answerOf(largeOdd, prompt, random),
  'smaller model': (prompt, random) => answerOf(small, prompt, random),
  truncation: (prompt, random) => truncate(honestly(prompt, random), random),
  'copied answers': (prompt, random) => honestly(promptOf(prompt.id + 1), random),
  'constant text': () => answerOf(large, promptOf(1), new Random(1)),
  junk: (_prompt, random) => junk(random),
}

export interface TextRates {
  name: string
  audits: number
  /** Shares of audits: the answer is odd, grossly odd, nobody can say. */
  odd: number
  gross: number
  inconclusive: number
  /** References who were found odd instead. */
  referenceOdd: number
  /** References asked beyond the first, per audit. */
  tieBreaks: number
  medianSimilarity: number
}

/** As many pairs of honest answers as a model's window holds, of owners without end. */
export function honestPairs(seed: number): TrustedPairs {
  const random = new Random(seed)
  const pairs = new TrustedPairs()
  for (let at = 0; at < 512; at++) {
    const prompt = promptOf(random.below(1_000_000))
    const [one, other] = [honestly(prompt, random), honestly(prompt, random)]
    pairs.add(`a${at}`, `b${at}`, similarityOf(profileOf(one), profileOf(other)))
  }
  return pairs
}

/** Audits of this kind of scout among honest references. */
export function textRates(name: string, answerer: Answerer, pairs: TrustedPairs, audits: number, seed: number) {
  const random = new Random(seed)
  const rates: TextRates = {
    ...{ name, audits, odd: 0, gross: 0, inconclusive: 0, referenceOdd: 0, tieBreaks: 0, medianSimilarity: 0 },
  }
  const similarities: number[] = []
  for (let audit = 0; audit < audits; audit++) {
    const prompt = promptOf(random.below(1_000_000))
    const profiles: Profile[] = [profileOf(answerer(prompt, random))]
    const likeness = (one: number, other: number) => pairs.likeness(similarityOf(profiles[one]!, profiles[other]!))
    let verdict = verdictOf(profiles.length, likeness)
    while (verdict.type === 'open') {
      profiles.push(profileOf(honestly(prompt, random)))
      verdict = verdictOf(profiles.length, likeness)
    }
    similarities.push(similarityOf(profiles[0]!, profiles[1]!))
    rates.tieBreaks += (profiles.length - 2) / audits
    if (verdict.type === 'inconclusive') rates.inconclusive += 1 / audits
    else if (verdict.type === 'odd' && verdict.at !== 0) rates.referenceOdd += 1 / audits
    else if (verdict.type === 'odd') rates[verdict.isGross ? 'gross' : 'odd'] += 1 / audits
  }
  rates.medianSimilarity = similarities.sort((a, b) => a - b)[audits >> 1]!
  return rates
}
