/**
 * From answers to rates: half of the prompts fill the window of trusted pairs, each deployment's answers to the others
 * are audited against those of the network, by the hub's own comparison and verdict; and its numbers are compared with
 * the right ones, at the hardest level that the honest deployments know. Pure.
 */
import { levels } from '../audits/questions.ts'
import { type Profile, profileOf } from '../comparison/grams.ts'
import { TrustedPairs } from '../comparison/pairs.ts'
import { finalNumber } from '../comparison/probe-answer.ts'
import { similarityOf } from '../comparison/similarity.ts'
import { verdictOf } from '../comparison/verdict.ts'
import { auditId, isAudited, type Plan, questionId, sampleId, samples } from './plan.ts'

/** So many of so many. */
export interface Share {
  count: number
  of: number
}

export interface ModelRates {
  model: string
  isHonest: boolean
  odd: Share
  gross: Share
  wrong: Share
  /** Of its audits those that said nothing. */
  inconclusive: number
}

export interface Measured {
  pairs: number
  /** Of the questions that count; 0 when the honest deployments know none well enough. */
  level: number
  rates: ModelRates[]
}

/** Questions of a level count when the honest deployments answer so many right; what is harder only shows noise. */
const knownShare = 0.9

export function measure(plan: Plan, answers: ReadonlyMap<string, string>): Measured {
  const profiles = new Map<string, Profile | null>()
  const profile = (id: string): Profile | null => {
    const known = profiles.get(id)
    if (known !== undefined) return known
    const text = answers.get(id)
    const made = text === undefined || text === '' ? null : profileOf(text)
    profiles.set(id, made)
    return made
  }
  const pairs = pairsOf(plan, profile)
  const level = knownLevel(plan, answers)
  const { honest, other } = plan.models
  const rates = [...honest, ...other].map((model, at): ModelRates => {
    const wrong = wrongShare(plan, answers, model, level)
    return { model, isHonest: at < honest.length, ...audited(plan, model, pairs, profile), wrong }
  })
  return { pairs: pairs.count, level, rates }
}

type ProfileOf = (id: string) => Profile | null

/** Two pairs of each prompt, of answers that no other pair has. */
function pairsOf({ prompts }: Plan, profile: ProfileOf): TrustedPairs {
  const pairs = new TrustedPairs()
  for (const [place, prompt] of prompts.entries()) {
    if (isAudited(place)) continue
    for (let sample = 0; sample + 1 < samples; sample += 2) {
      const one = profile(sampleId(prompt, sample))
      const other = profile(sampleId(prompt, sample + 1))
      if (one !== null && other !== null) pairs.add(`${place}`, `${place}.${sample}`, similarityOf(one, other))
    }
  }
  return pairs
}

function audited({ prompts }: Plan, model: string, pairs: TrustedPairs, profile: ProfileOf) {
  const found = { odd: { count: 0, of: 0 }, gross: { count: 0, of: 0 }, inconclusive: 0 }
  for (const [place, prompt] of prompts.entries()) {
    const own = isAudited(place) ? profile(auditId(prompt, model)) : null
    if (own === null || !pairs.isReady) continue
    const others = Array.from({ length: samples - 1 }, (_, at) => profile(sampleId(prompt, at)))
    const witnesses = [own, ...others.filter((one) => one !== null)]
    const outcome = outcomeOf(witnesses, pairs)
    if (outcome === 'inconclusive') {
      found.inconclusive++
      continue
    }
    found.odd.of++
    found.gross.of++
    if (outcome !== 'pass') found[outcome].count++
  }
  return found
}

/** As an audit goes: one reference, and another one as long as it is open. */
function outcomeOf(witnesses: readonly Profile[], pairs: TrustedPairs): 'pass' | 'odd' | 'gross' | 'inconclusive' {
  const likeness = (one: number, other: number) => pairs.likeness(similarityOf(witnesses[one]!, witnesses[other]!))
  for (let count = 2; count <= witnesses.length; count++) {
    const verdict = verdictOf(count, likeness)
    if (verdict.type === 'agreed') return 'pass'
    if (verdict.type === 'inconclusive') return 'inconclusive'
    if (verdict.type === 'odd') return verdict.at !== 0 ? 'pass' : verdict.isGross ? 'gross' : 'odd'
  }
  return 'inconclusive'
}

function knownLevel(plan: Plan, answers: ReadonlyMap<string, string>): number {
  for (let level = levels; level > 0; level--) {
    const shares = plan.models.honest.map((model) => wrongShare(plan, answers, model, level))
    const [count, of] = [sum(shares.map((share) => share.count)), sum(shares.map((share) => share.of))]
    if (of > 0 && count <= (1 - knownShare) * of) return level
  }
  return 0
}

function wrongShare({ questions }: Plan, answers: ReadonlyMap<string, string>, model: string, ofLevel: number): Share {
  const share = { count: 0, of: 0 }
  for (const { level, at, answer } of questions) {
    const text = level === ofLevel ? answers.get(questionId(level, at, model)) : undefined
    if (text === undefined) continue
    share.of++
    if (finalNumber(text) !== answer) share.count++
  }
  return share
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
