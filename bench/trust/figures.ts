/**
 * The figures that the trust experiment has to hold, as the design sets them, and what was found beside each.
 * `trust.ts` fills them in.
 */
import { type Found, manyLives } from './alone.ts'
import * as kinds from './deployments.ts'
import type { TextRates } from './level-two.ts'
import type { AttackResult } from './network.ts'

export interface Held {
  kind: string
  found: number | string
  hold: string
  isHeld: boolean
}

const million = 1_000_000

/** A share for people: in per cent, or per million where it is very small. */
function shareText(share: number): string {
  return share > 0 && share < 0.001 ? `${Math.round(share * million)} in a million` : `${(100 * share).toFixed(1)} %`
}

interface Wanted {
  deployment: kinds.Deployment
  tasks: number
  /** Tasks within which 99 of 100 are convicted. */
  p99Tasks: number
}

const wanted: Wanted[] = [
  { deployment: kinds.constant, tasks: 1_000, p99Tasks: 10 },
  { deployment: kinds.constantUnseen, tasks: 1_000, p99Tasks: 40 },
  { deployment: kinds.truncated, tasks: 1_000, p99Tasks: 60 },
  { deployment: kinds.copied, tasks: 1_000, p99Tasks: 40 },
  { deployment: kinds.smaller, tasks: 10_000, p99Tasks: 2_500 },
  { deployment: kinds.slowed, tasks: 10_000, p99Tasks: 2_500 },
  { deployment: kinds.tenthJunk, tasks: 10_000, p99Tasks: 5_000 },
]

/** Cheats alone: tasks until 99 of 100 are convicted. */
export function detection(runs: number, seed: number): Held[] {
  return wanted.map(({ deployment, tasks, p99Tasks }) => {
    const found = manyLives(deployment, runs, tasks, seed)
    const text = Number.isFinite(found.p99Tasks) ? found.p99Tasks : `${shareText(found.found)} found`
    return row(`${deployment.name}: p99 tasks`, text, `<= ${p99Tasks}`, found.p99Tasks <= p99Tasks)
  })
}

/** Cheats that it does not claim to find, and what is asked of it all the same: that it is said. */
export function unfound(runs: number, seed: number): Held[] {
  const openly = [kinds.weaker, kinds.tenthSmaller, kinds.cachedJunk, kinds.cachedSmaller, kinds.signalled]
  return openly.map((deployment) => {
    const { found, p99Tasks } = manyLives(deployment, runs, 10_000, seed)
    const p99 = Number.isFinite(p99Tasks) ? `, p99 ${p99Tasks} tasks` : ''
    return row(`${deployment.name}: found in 10,000 tasks`, `${shareText(found)}${p99}`, '', true)
  })
}

function row(kind: string, found: number | string, hold: string, isHeld: boolean): Held {
  return { kind, found, hold, isHeld }
}

function overhead({ overhead: share }: Found, tasks: string, most: number): Held {
  return row(`overhead at ${tasks} tasks, mean`, shareText(share), `<= ${shareText(most)}`, share <= most)
}

/** Honest scouts alone: convicted, watched, and what they cost. */
export function falseAlarms(runs: number, seed: number): Held[] {
  const plain = manyLives(kinds.honest, runs, 10_000, seed)
  const fewer = manyLives(kinds.honest, runs, 3_000, seed)
  const odd = manyLives(kinds.oddDeployment, runs, 10_000, seed)
  const worst = manyLives(kinds.worst, 6 * runs, 10_000, seed)
  const convicted = (found: Found) =>
    row(`${found.name}: convicted in 10,000 tasks`, shareText(found.found), '<= 1 in 10,000', found.found <= 1e-4)
  return [
    ...[plain, odd, worst].map(convicted),
    row('honest: ever watched', shareText(plain.watchedShare), '<= 5 %', plain.watchedShare <= 0.05),
    row(`${odd.name}: ever watched`, shareText(odd.watchedShare), '', true),
    row(`${worst.name}: ever watched`, shareText(worst.watchedShare), '', true),
    overhead(fewer, '3,000', 0.04),
    overhead(plain, '10,000', 0.03),
  ]
}

/** Rings and the like; `p99Tasks` of the cheats where that is to hold. */
export function attackRows(result: AttackResult, p99Tasks: number | null): Held[] {
  const { name, found, medianTasks, p99Tasks: p99, honestConvicted, honestWatched, braked } = result
  const isFound = Number.isFinite(p99)
  const tail = isFound ? `p99 ${p99}` : `${shareText(found)} found`
  const brake = braked > 0 ? `, brake held ${shareText(braked)} of the time` : ''
  const median = Number.isFinite(medianTasks) ? `median ${medianTasks}, ` : ''
  const hold = p99Tasks === null ? '' : `<= ${p99Tasks}`
  const honest = `${shareText(honestConvicted)} convicted, ${shareText(honestWatched)} watched`
  return [
    row(`${name}: tasks`, `${median}${tail}${brake}`, hold, p99Tasks === null || p99 <= p99Tasks),
    row(`${name}: honest scouts`, honest, '0 convicted', honestConvicted === 0),
  ]
}

/** What synthetic texts show; of honest ones it is held against what level 1 assumes. */
export function textRows(rates: TextRates): Held[] {
  const { name, odd, gross, tieBreaks, inconclusive, medianSimilarity } = rates
  const isHonest = name.startsWith('honest')
  const found = `${shareText(odd)} odd, ${shareText(gross)} gross, ${shareText(inconclusive)} inconclusive`
  const detail = `${tieBreaks.toFixed(2)} tie-breaks, median similarity ${medianSimilarity.toFixed(2)}`
  const isHeld = !isHonest || (odd <= 0.07 && gross <= 0.01)
  return [row(`texts, ${name}`, `${found}; ${detail}`, isHonest ? '<= 7 % odd, <= 1 % gross' : '', isHeld)]
}
