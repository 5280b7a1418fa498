/**
 * What the answers of an audit say about their scouts. The first is the audited one's, the others are references', in
 * the order in which they were asked. Two that are alike settle it. Two that are not say nothing yet: another reference
 * decides, and only who is unlike all others, while these have somebody alike, is odd. Nobody alone: inconclusive, and
 * the prompt is to blame. Pure; fed by audits with how alike each two are.
 */
import { referencesMax } from '../../../shared/limits/trust/audits.ts'
import type { Likeness } from './pairs.ts'

export type AuditVerdict =
  /** All of them passed. */
  | { type: 'agreed' }
  /** Another reference has to answer. */
  | { type: 'open' }
  /** This one is unlike all others; `isGross` when it is grossly unlike each of them. */
  | { type: 'odd'; at: number; isGross: boolean }
  | { type: 'inconclusive' }

/** `likeness(a, b)` is asked for a < b only. */
export function verdictOf(answers: number, likeness: (one: number, other: number) => Likeness): AuditVerdict {
  const between = (one: number, other: number) => likeness(Math.min(one, other), Math.max(one, other))
  const others = (at: number) => Array.from({ length: answers }, (_, other) => other).filter((other) => other !== at)
  if (answers < 2) return { type: 'open' }
  if (answers === 2) return between(0, 1) === 'like' ? { type: 'agreed' } : { type: 'open' }
  const alone = others(-1).filter((at) => others(at).every((other) => between(at, other) !== 'like'))
  const [at] = alone
  if (alone.length === 1 && at !== undefined) {
    return { type: 'odd', at, isGross: others(at).every((other) => between(at, other) === 'gross') }
  }
  // Everybody has somebody alike: the two that differed are both in the middle of the crowd.
  if (alone.length === 0 && answers === 3) return { type: 'agreed' }
  return answers - 1 < referencesMax ? { type: 'open' } : { type: 'inconclusive' }
}
