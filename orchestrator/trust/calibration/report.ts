/**
 * A calibration in words: the rates of each model beside those that the formulas assume, and whether convictions may be
 * enforced. What it says follows from `verdict.ts`; here are only sentences and a table. Pure.
 */
import { type Constants, rates as presentConstants } from '../standing/weights.ts'
import type { Measured } from './rates.ts'
import { type Bounds, type Judged, judge } from './verdict.ts'

export function reportOf(measured: Measured): string {
  const { verdict, models, wanted } = judge(measured)
  const lines = [tableOf(models, presentConstants), '', basisOf(measured), '']
  if (verdict === 'safe') {
    lines.push('SAFE: TRUST=enforce convicts an honest scout of these in a thousandth of its confirmations at most.')
  } else if (verdict === 'unsafe') {
    lines.push('NOT SAFE: leave TRUST=observe. An honest deployment fails more checks than the formulas assume.')
  } else {
    lines.push('NOT SHOWN: leave TRUST=observe until more prompts and questions have narrowed these rates.')
  }
  lines.push(...found(models))
  if (wanted !== null) lines.push('', ...constantLines(wanted.constants), ...found(wanted.models))
  return `${lines.join('\n')}\n`
}

function basisOf({ pairs, level }: Measured): string {
  const questions =
    level === 0
      ? 'The honest deployments know the questions of no level well enough: probes will say little of this model.'
      : `Questions of level ${level} count, the hardest that the honest deployments know.`
  return `${pairs} pairs of honest answers show how alike they are (200 are needed). ${questions}`
}

function tableOf(models: readonly Judged[], { odd, gross, wrong }: Constants): string {
  const head = '| model | odd, % | gross, % | wrong, % | mean ratio | at worst |\n|---|--:|--:|--:|--:|--:|'
  const rows = models.map(({ model, isHonest, shares, ratio, ratioHigh }) => {
    const cells = [shares.odd, shares.gross, shares.wrong].map(shownBounds)
    const name = `${model}${isHonest ? '' : ' (other)'}`
    return `| ${[name, ...cells, ratio.toFixed(2), ratioHigh.toFixed(2)].join(' | ')} |`
  })
  const assumed = (end: 'honest' | 'other') => [odd, gross, wrong].map((rate) => percent(rate[end])).join(' | ')
  const bounds = `| assumed of honest ones, at most | ${assumed('honest')} | 1 | |`
  return [head, ...rows, bounds, `| assumed of others | ${assumed('other')} | | |`].join('\n')
}

function found(models: readonly Judged[]): string[] {
  return models
    .filter(({ isHonest }) => !isHonest)
    .map(({ model, tasksToConvict }) => {
      if (!Number.isFinite(tasksToConvict)) return `${model}: its doubt does not grow, so it is not found.`
      return `${model}: found after about ${Math.ceil(tasksToConvict / 100) * 100} tasks of a trusted scout.`
    })
}

function constantLines(constants: Constants): string[] {
  const rows = Object.entries(constants).map(([outcome, { honest, other }]) => {
    return `  ${outcome}: { honest: ${rounded(honest)}, other: ${rounded(other)} },`
  })
  return [
    'Constants under which the honest ones are safe (`rates` in orchestrator/trust/standing/weights.ts):',
    ...rows,
  ]
}

function shownBounds({ rate, low, high }: Bounds): string {
  return `${percent(rate)} (${percent(low)} to ${percent(high)})`
}

function percent(share: number): string {
  return (100 * share).toFixed(1)
}

function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000
}
