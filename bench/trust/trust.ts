/**
 * `bun bench trust --seed N`: whether trust finds what it claims to find and leaves honest scouts alone. Level 1 draws
 * what audits show from assumed rates, alone and in whole networks with rings; level 2 sends synthetic texts through
 * the real comparison. The scouts are played, everything that judges them is the hub's own code. Equal seeds give equal
 * figures. What the rates are with real models is measured by `npm run trust`.
 */
import { Random } from '../../orchestrator/core/model/random.ts'
import type { LineChart, Options, Result, Say, Scenario } from '../scenarios/scenario.ts'
import { mostDoubt } from './alone.ts'
import * as kinds from './deployments.ts'
import { attackRows, detection, falseAlarms, type Held, textRows, unfound } from './figures.ts'
import { answerers, honestPairs, textRates } from './level-two.ts'
import { type Attack, runAttack } from './network.ts'

const lives = 10_000
const audits = 3_000
const monthTasks = 10_000

const junk: kinds.Deployment = { ...kinds.cachedJunk, name: 'junk', wrong: 0.95 }

/** Each with the tasks within which 99 of 100 cheats are to be found; null where nothing is promised. */
const attacks: [Attack, number | null][] = [
  [attack('one owner, ten scouts of a smaller model', kinds.smaller, 10, 1), 2_500],
  [attack('self-made references, 300 scouts of one owner, junk', junk, 300, 1), 60],
  [attack('self-made references, 300 scouts of one owner, smaller model', kinds.smaller, 300, 1), 4_500],
  [attack('ring of 30 %, junk, 20 owners', junk, 300, 20), 60],
  [attack('ring of 30 %, junk, 20 owners, all probes cached', kinds.cachedJunk, 300, 20), null],
  [attack('ring of 30 %, junk, 300 owners', junk, 300, 300), null],
  [attack('ring of 30 %, smaller model, 20 owners', kinds.smaller, 300, 20), 4_500],
  [{ ...attack('the same, audits unbounded', kinds.smaller, 300, 20), isUnbounded: true }, null],
  [attack('the same, all probes cached', kinds.cachedSmaller, 300, 20), null],
]

function attack(name: string, deployment: kinds.Deployment, cheats: number, cheatOwners: number): Attack {
  return { name, deployment, scouts: 1_000, cheats, cheatOwners, isRing: true }
}

/** Found cheats over falsely doubted honest scouts, as the threshold of doubt goes from 1 to 9. */
function chartOf(seed: number): LineChart {
  const random = new Random(seed)
  const runs = 10_000
  const checks = 60
  const reach = (deployment: kinds.Deployment) =>
    Array.from({ length: runs }, () => mostDoubt(deployment, checks, random))
  const share = (most: readonly number[], doubt: number) => most.filter((one) => one >= doubt).length / runs
  const honest = reach(kinds.worst)
  const series = [kinds.tenthJunk, kinds.smaller, kinds.weaker].map((kind) => ({ name: kind.name, most: reach(kind) }))
  const thresholds = Array.from({ length: 33 }, (_, at) => 1 + at / 4)
  return {
    mark: 'line',
    title: `Found over falsely doubted, ${checks} checks, thresholds 9 to 1`,
    x: 'honest scouts of the worst deployment that reach the threshold, %',
    y: 'cheats that reach it, %',
    xTicks: [0.1, 0.3, 1, 3, 10, 30, 100],
    points: series.flatMap(({ name, most }) =>
      thresholds
        .map((doubt) => ({ x: 100 * share(honest, doubt), y: 100 * share(most, doubt), series: name }))
        // A share of nobody has no place on such an axis.
        .filter(({ x }) => x > 0),
    ),
  }
}

async function run({ seed }: Options, say: Say): Promise<Result> {
  const held: Held[] = []
  say('cheats alone')
  held.push(...detection(lives, seed), ...unfound(lives / 10, seed))
  say('honest scouts alone')
  held.push(...falseAlarms(lives, seed))
  for (const [one, p99Tasks] of attacks) {
    say(one.name)
    held.push(...attackRows(runAttack(one, monthTasks, seed), p99Tasks))
  }
  say('synthetic texts')
  const pairs = honestPairs(seed)
  for (const [name, answerer] of Object.entries(answerers)) {
    held.push(...textRows(textRates(name, answerer, pairs, audits, seed)))
  }
  return {
    columns: ['what', 'found', 'to hold', ''],
    rows: held.map(({ kind, found, hold, isHeld }) => [
      kind,
      found,
      hold,
      hold === '' ? '' : isHeld ? 'held' : 'MISSED',
    ]),
    figures: {},
    notes: [`seed ${seed}; rates of deployments are assumed, see docs/trust/README.md`],
    missed: held.filter(({ isHeld }) => !isHeld).map(({ kind, found, hold }) => `${kind}: ${found}, wanted ${hold}`),
    chart: chartOf(seed),
  }
}

export const trust: Scenario = {
  name: 'trust',
  about: 'what audits find and whom they accuse falsely, in seeded lives of scouts',
  run,
}
