/**
 * Level 1 of the trust experiment: lives of one scout among honest references, with what audits show drawn from rates.
 * States, doubt, shares and evidence are the hub's own code. Gives back when each was convicted, and what it cost.
 */
import { Random } from '../../orchestrator/core/model/random.ts'
import { signalFactor, signalTasks } from '../../orchestrator/trust/checks/signals.ts'
import {
  auditShare,
  book,
  bookRepeat,
  newRecord,
  probeShareOf,
  type TrustRecord,
} from '../../orchestrator/trust/standing/record.ts'
import { passesNeeded, weights } from '../../orchestrator/trust/standing/weights.ts'
import { type Deployment, outcomeOf } from './deployments.ts'

const monthMs = 30 * 24 * 3_600_000
/** Clients of the network, whose requests come in any order. */
const tenants = 50
/** Of its tasks those that it answers as a reference for others: about as many as others answer for it. */
const referenceShare = 0.02
/** Further references that an audit needs, on average: `level-two.ts` measures it. */
const tieBreaks = 0.07

interface Life {
  /** Tasks until it was convicted; Infinity when it never was. */
  convictedAt: number
  wasWatched: boolean
  /** Tasks that its audits asked of the network. */
  asked: number
}

/** One life of so many tasks, spread over a month. */
function liveAlone(deployment: Deployment, tasks: number, random: Random): Life {
  const record = newRecord('scout', 'model', 'owner', 0)
  const life: Life = { convictedAt: Number.POSITIVE_INFINITY, wasWatched: false, asked: 0 }
  const now = { nowMs: 0, needed: passesNeeded, mayConvict: true }
  let signalled = 0
  for (let task = 0; ; ) {
    const isFree = record.state === 'new' || record.state === 'trusted'
    const asked = isFree ? referenceShare : 0
    const own = Math.min(1, auditShare(record) * (signalled > 0 ? signalFactor : 1))
    const isStep = mustStep(deployment, task, own + asked)
    task += isStep ? 1 : geometric(own + asked, random)
    if (task > tasks) return life
    now.nowMs = (task * monthMs) / tasks
    if (deployment.repeats === true && task > 1) bookRepeat(record, String(random.below(tenants)), now)
    signalled = deployment.signals !== undefined && random.unit() < deployment.signals ? signalTasks : signalled - 1
    const draw = random.unit() * (isStep ? 1 : own + asked)
    if (draw < own) life.asked += audit(record, deployment, now, random)
    else if (draw < own + asked) book(record, outcomeOf(deployment, false, random), now.nowMs, now)
    if (record.state === 'watched' || record.state === 'confirming') life.wasWatched = true
    if (record.state === 'convicted') return { ...life, convictedAt: task }
  }
}

/** Whether each task matters; nothing happens to most of a trusted scout's. */
function mustStep({ repeats, signals }: Deployment, task: number, perTask: number): boolean {
  return perTask > 0.2 || signals !== undefined || (repeats === true && task < tenants)
}

/** Tasks until one of this probability. */
function geometric(probability: number, random: Random): number {
  return 1 + Math.floor(Math.log1p(-random.unit()) / Math.log1p(-probability))
}

interface Now {
  nowMs: number
  needed: number
  mayConvict: boolean
}

/** One audit; returns the tasks that it asked for. */
function audit(record: TrustRecord, deployment: Deployment, now: Now, random: Random): number {
  const isProbe = random.unit() < probeShareOf(record)
  book(record, outcomeOf(deployment, isProbe, random), now.nowMs, now)
  return isProbe || random.unit() >= tieBreaks ? 1 : 2
}

/** The most doubt that a scout reaches by so many checks, without states. */
export function mostDoubt(deployment: Deployment, checks: number, random: Random): number {
  const shown = { wrongDoubt: 0, oddDoubt: 0 }
  let doubt = 0
  let most = 0
  for (let check = 0; check < checks; check++) {
    const isProbe = random.unit() < probeShareOf(shown)
    const weight = weights[outcomeOf(deployment, isProbe, random)]
    if (weight > 0) shown[isProbe ? 'wrongDoubt' : 'oddDoubt'] += weight
    doubt = Math.max(0, doubt + weight)
    if (doubt > most) most = doubt
  }
  return most
}

export interface Found {
  name: string
  runs: number
  /** Share of runs in which it was convicted. */
  found: number
  medianTasks: number
  p99Tasks: number
  watchedShare: number
  /** Tasks asked for, as a share of its own. */
  overhead: number
}

/** Many lives of one kind. */
export function manyLives(deployment: Deployment, runs: number, tasks: number, seed: number): Found {
  const random = new Random(seed)
  const lives = Array.from({ length: runs }, () => liveAlone(deployment, tasks, random))
  const at = lives.map(({ convictedAt }) => convictedAt).sort((a, b) => a - b)
  const spent = lives.reduce((sum, { asked, convictedAt }) => sum + asked / Math.min(tasks, convictedAt), 0)
  return {
    name: deployment.name,
    runs,
    found: at.filter(Number.isFinite).length / runs,
    medianTasks: at[Math.floor(runs / 2)]!,
    p99Tasks: at[Math.min(runs - 1, Math.floor(runs * 0.99))]!,
    watchedShare: lives.filter(({ wasWatched }) => wasWatched).length / runs,
    overhead: spent / runs,
  }
}
