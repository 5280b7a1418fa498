/**
 * What measured rates mean for the formulas. A weight is the logarithm of a likelihood ratio, so evidence of an honest
 * scout is bounded by Ville's inequality exactly where the mean of the ratios is at most 1 under its rates: then at
 * most one confirmation in a thousand convicts it. Where that is not shown, constants are computed under which it is.
 * All shares are taken at the end of their confidence that speaks against enforcing. Pure.
 */
import {
  type AuditOutcome,
  type Constants,
  confirmingDoubt,
  confirmingShare,
  convictingEvidence,
  rates as presentConstants,
  probeShare,
  probeShareMax,
  type Rates,
  trustedShareMin,
  unprovenShare,
  watchedDoubt,
} from '../standing/weights.ts'
import type { Measured, ModelRates, Share } from './rates.ts'

/** Audits of a deployment, and pairs, below which nothing is said. */
const auditsMin = 60
const pairsMin = 200
/** One-sided 95 %. */
const z = 1.645

type Failure = Exclude<AuditOutcome, 'pass'>

export interface Bounds {
  rate: number
  low: number
  high: number
}

export interface Judged {
  model: string
  isHonest: boolean
  shares: Record<Failure, Bounds>
  /** Mean likelihood ratio of a check at the worst mix of kinds, as measured and at the worse end of the confidence. */
  ratio: number
  ratioHigh: number
  /** Tasks of a trusted scout until it is convicted, about; Infinity where doubt does not grow. */
  tasksToConvict: number
}

type Verdict =
  /** Under these constants an honest scout is convicted in a thousandth of its confirmations at most. */
  | 'safe'
  /** Too few answers to say so. */
  | 'unknown'
  /** One of the honest deployments would be convicted more often. */
  | 'unsafe'

interface Judgement {
  verdict: Verdict
  models: Judged[]
  /** Constants under which the honest ones are safe, with what they would find; null where the present ones do. */
  wanted: { constants: Constants; models: Judged[] } | null
}

export function judge({ rates, pairs }: Measured): Judgement {
  const models = rates.map((one) => judgedOf(one, presentConstants))
  const honest = models.filter(({ isHonest }) => isHonest)
  const isEnough =
    pairs >= pairsMin && rates.every(({ odd, wrong }) => odd.of >= auditsMin && wrong.of >= auditsMin / 2)
  const isShown = honest.every(({ ratioHigh }) => ratioHigh <= 1)
  const isBroken = honest.some(({ ratio }) => ratio > 1)
  const verdict = isBroken ? 'unsafe' : isEnough && isShown ? 'safe' : 'unknown'
  if (isShown) return { verdict, models, wanted: null }
  const constants = constantsFor(honest)
  return { verdict, models, wanted: { constants, models: rates.map((one) => judgedOf(one, constants)) } }
}

function judgedOf({ model, isHonest, odd, gross, wrong }: ModelRates, constants: Constants): Judged {
  const shares = { odd: boundsOf(odd), gross: boundsOf(gross), wrong: boundsOf(wrong) }
  const at = (end: keyof Bounds) => ({ odd: shares.odd[end], gross: shares.gross[end], wrong: shares.wrong[end] })
  const growth = meanOf(at('rate'), constants, probeShare, Math.log)
  const worstMix = (end: keyof Bounds) =>
    Math.max(...[probeShare, probeShareMax].map((share) => meanOf(at(end), constants, share)))
  const [ratio, ratioHigh] = [worstMix('rate'), worstMix('high')]
  return { model, isHonest, shares, ratio, ratioHigh, tasksToConvict: tasksUntil(growth) }
}

/** On the way to a watch the least is audited, then every second task, and in the end each. */
function tasksUntil(growth: number): number {
  if (growth <= 0) return Number.POSITIVE_INFINITY
  const untilWatched = watchedDoubt / trustedShareMin
  const untilConfirming = (confirmingDoubt - watchedDoubt) / unprovenShare
  return (untilWatched + untilConfirming + convictingEvidence / confirmingShare) / growth
}

/** The mean of the likelihood ratios of a check, or of a function of them; such a share of the checks are questions. */
function meanOf(
  { odd, gross, wrong }: Record<Failure, number>,
  constants: Constants,
  questions: number,
  of: (ratio: number) => number = (ratio) => ratio,
): number {
  const weight = (outcome: AuditOutcome) => of(constants[outcome].other / constants[outcome].honest)
  const shadow = (1 - odd - gross) * weight('pass') + odd * weight('odd') + gross * weight('gross')
  const probe = (1 - wrong) * weight('pass') + wrong * weight('wrong')
  return (1 - questions) * shadow + questions * probe
}

/** Wilson's interval. */
export function boundsOf({ count, of }: Share): Bounds {
  if (of === 0) return { rate: 0, low: 0, high: 1 }
  const rate = count / of
  const middle = rate + (z * z) / (2 * of)
  const spread = z * Math.sqrt((rate * (1 - rate)) / of + (z * z) / (4 * of * of))
  const scale = 1 + (z * z) / of
  return { rate, low: Math.max(0, (middle - spread) / scale), high: Math.min(1, (middle + spread) / scale) }
}

/** The worst honest rates, and what else is served as many times likelier as it was assumed to be. */
function constantsFor(honest: readonly Judged[]): Constants {
  const of = (outcome: Failure): Rates => {
    const { honest: present, other } = presentConstants[outcome]
    const worst = Math.max(present, ...honest.map(({ shares }) => shares[outcome].high))
    return { honest: roundUp(worst), other: roundUp((worst * other) / present) }
  }
  const [odd, gross, wrong] = [of('odd'), of('gross'), of('wrong')]
  // One weight for both kinds of checks: the one that keeps the mean of either at 1 or below.
  const shadow = { honest: 1 - odd.honest - gross.honest, other: 1 - odd.other - gross.other }
  const probe = { honest: 1 - wrong.honest, other: 1 - wrong.other }
  const pass = shadow.other / shadow.honest < probe.other / probe.honest ? shadow : probe
  return { pass: { honest: roundUp(pass.honest), other: roundDown(pass.other) }, odd, gross, wrong }
}

const steps = 1_000

function roundUp(share: number): number {
  return Math.ceil(share * steps) / steps
}

function roundDown(share: number): number {
  return Math.floor(share * steps) / steps
}
