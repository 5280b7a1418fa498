/**
 * What kinds of scouts the experiment plays, as rates of what their audits show. They are assumptions, not
 * measurements: `docs/trust/README.md` says which, and how an operator measures them with models of their own. The
 * levels of the experiment draw outcomes from them.
 */
import type { Random } from '../../orchestrator/core/model/random.ts'
import type { AuditOutcome } from '../../orchestrator/trust/standing/weights.ts'

export interface Deployment {
  name: string
  /** Of 1: answers that references find odd, and grossly so; probes that are answered wrong. */
  odd: number
  gross: number
  wrong: number
  /** Share of tasks that it serves honestly all the same. */
  honestShare?: number
  /** It sends one text to all. */
  repeats?: boolean
  /** Share of its tasks after which a signal multiplies the audits. */
  signals?: number
}

export const honest: Deployment = { name: 'honest', odd: 0.022, gross: 0.0025, wrong: 0.02 }
export const oddDeployment: Deployment = { name: 'honest, odd deployment', odd: 0.045, gross: 0.005, wrong: 0.03 }
export const worst: Deployment = { name: 'honest, worst deployment', odd: 0.07, gross: 0.008, wrong: 0.05 }

export const constant: Deployment = { name: 'constant text', odd: 0, gross: 0.95, wrong: 0.95, repeats: true }
export const constantUnseen: Deployment = { ...constant, name: 'constant text, without repeat check', repeats: false }
export const truncated: Deployment = { name: 'truncation', odd: 0.2, gross: 0.5, wrong: 0.5 }
export const copied: Deployment = { name: 'copied answers', odd: 0.03, gross: 0.95, wrong: 0.95 }
export const smaller: Deployment = { name: 'smaller model', odd: 0.1, gross: 0.02, wrong: 0.25 }
/** It takes as long as a large model would; how long is asked nowhere, so nothing else changes. */
export const slowed: Deployment = { ...smaller, name: 'smaller model that slows down' }
export const weaker: Deployment = { name: 'weaker gap', odd: 0.06, gross: 0.01, wrong: 0.2 }
export const tenthJunk: Deployment = { name: '10 % junk', odd: 0, gross: 0.95, wrong: 0.95, honestShare: 0.9 }
export const tenthSmaller: Deployment = { ...smaller, name: '10 % smaller model', honestShare: 0.9 }
export const cachedJunk: Deployment = { name: 'junk, all probes cached', odd: 0, gross: 0.95, wrong: 0 }
export const cachedSmaller: Deployment = { ...smaller, name: 'smaller model, all probes cached', wrong: 0 }
/** Its usage does not fit its bytes, which is a signal. That it is fast is none, so slowing down gains it nothing. */
export const signalled: Deployment = { ...smaller, name: 'smaller model with signals', signals: 1 }

/** Draws what one check of such a scout shows. */
export function outcomeOf(deployment: Deployment, isProbe: boolean, random: Random): AuditOutcome {
  const { honestShare = 0 } = deployment
  const { odd, gross, wrong } = honestShare > 0 && random.unit() < honestShare ? honest : deployment
  const draw = random.unit()
  if (isProbe) return draw < wrong ? 'wrong' : 'pass'
  if (draw < gross) return 'gross'
  return draw < gross + odd ? 'odd' : 'pass'
}
