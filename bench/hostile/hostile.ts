/**
 * Each attack at rates that are allowed, beside honest scouts and chats: what it does to the others' time, to the
 * longest turn of the hub's loop and to its memory. A hub that an attack ends, freezes or fills up is replaced by a new
 * one for the next. A missed bound is tried once more on fresh ground, because the machine may be to blame; an attack
 * that misses again ends the command with 1.
 */
import { measureStandstill, standstillName } from '../scenarios/fleet/standstill.ts'
import { type Cell, type Options, type Result, round, type Say, type Scenario } from '../scenarios/scenario.ts'
import { attacks } from './attacks.ts'
import { calmSeconds, Ground, type Strike, thinkMs } from './ground.ts'
import { placesIn } from './long-turn.ts'
import type { Attack } from './site/site.ts'

export const attackNames = [...attacks.map(({ name }) => name), standstillName]

/** What has to hold under every attack. */
const bounds = { ratio: 2, turnMs: 50, rssMb: 600, failedShare: 0.01 }
/** An attacker that waited for a processor for more of the window than this did not do what it names. */
const starvedShare = 0.5
const tries = 2

/** The sentences of the bounds that did not hold. */
function missesOf({ calm, under, outcome }: Strike): string[] {
  const misses = [...outcome.misses]
  if (under.ruin !== '') misses.push(under.ruin)
  const ratio = under.p99Ms / calm.p99Ms
  if (!(ratio <= bounds.ratio)) misses.push(`honest p99 is ${round(ratio)} x, wanted <= ${bounds.ratio} x`)
  if (under.turnMs > bounds.turnMs) misses.push(`a turn took ${round(under.turnMs)} ms, wanted <= ${bounds.turnMs} ms`)
  if (under.rssMb > bounds.rssMb) misses.push(`memory was ${round(under.rssMb)} MB, wanted <= ${bounds.rssMb} MB`)
  if (under.failed > bounds.failedShare * under.done) {
    const codes = Object.entries(under.codes).map(([code, count]) => `${count} ${code}`)
    misses.push(`${under.failed} honest chats of ${under.failed + under.done} failed (${codes.join(', ')})`)
  }
  const waited = outcome.waitedShare
  if (waited > starvedShare) misses.push(`the attacker itself waited ${round(100 * waited)} % for a processor`)
  return misses
}

function tell(attack: Attack, { calm, under, outcome }: Strike, misses: readonly string[], say: Say): void {
  const outcomes = Object.entries(outcome.outcomes).map(([what, count]) => `${count} ${what}`)
  const figures = `p99 ${round(calm.p99Ms)} -> ${round(under.p99Ms)} ms, turn ${round(under.turnMs)} ms`
  const verdict = misses.length === 0 ? 'held' : misses.join('; ')
  say(`${attack.name}: ${figures}, ${round(under.rssMb)} MB: ${verdict} (${outcomes.join(', ')})`)
}

/** Grounds, one at a time: a new one after each that an attack has spoilt. */
class Field {
  private ground: Ground | null = null

  constructor(
    private readonly options: Options,
    private readonly say: Say,
  ) {}

  /** Strikes until the bounds hold, or as often as there are tries. */
  async strike(attack: Attack): Promise<{ strike: Strike; misses: string[]; count: number }> {
    const { seconds } = this.options
    for (let count = 1; ; count++) {
      this.ground ??= await Ground.open(this.options, this.say)
      const strike = await this.ground.strike(attack, seconds)
      const { hubPid } = this.ground
      const misses = missesOf(strike)
      tell(attack, strike, misses, this.say)
      // What an attack leaves behind belongs to it and not to the next one. A profile is of one attack alone.
      const { profileDir } = this.options
      if (misses.length > 0 || attack.leaves || attack.whileDown || profileDir !== null) await this.close()
      if (profileDir !== null) {
        const places = placesIn(profileDir, hubPid, strike.under.longTurn)
        this.say(`  its longest turn:\n${places.map((place) => `    ${place}`).join('\n')}`)
      }
      if (misses.length === 0 || count === tries) return { strike, misses, count }
    }
  }

  async close(): Promise<void> {
    const { ground } = this
    this.ground = null
    await ground?.close()
  }
}

const columns = [
  'attack',
  'what',
  'calm p99 ms',
  'p99 ms',
  'x',
  'calm turn ms',
  'turn ms',
  'stall ms',
  'hub %',
  'waits %',
  'MB',
  'failed',
  'tries',
  'bounds',
]

function rowOf({ name, about }: Attack, { calm, under }: Strike, misses: readonly string[], count: number): Cell[] {
  const times = [calm.p99Ms, under.p99Ms, under.p99Ms / calm.p99Ms, calm.turnMs, under.turnMs, under.stallMs]
  const verdict = misses.length === 0 ? 'held' : under.ruin || 'missed'
  const waits = under.waitShares.map((share) => (100 * share).toFixed(0)).join(' ')
  const took = [...times, 100 * under.hubShare].map(round)
  return [name, about, ...took, waits, round(under.rssMb), under.failed, count, verdict]
}

export const hostile: Scenario = {
  name: 'hostile',
  about: 'Attacks at allowed rates beside honest scouts and chats.',
  defaults: { scouts: 200, rate: 200, seconds: 10 },
  async run(options, say): Promise<Result> {
    const isChosen = (name: string) => options.attacks.length === 0 || options.attacks.includes(name)
    const chosen = attacks.filter(({ name }) => isChosen(name))
    const rows: Cell[][] = []
    const missed: string[] = []
    const notes: string[] = []
    const worst = { hostileRatio: 0, hostileTurn: 0, hostileRss: 0 }
    const field = new Field(options, say)
    try {
      for (const attack of chosen) {
        const { strike, misses, count } = await field.strike(attack)
        const { calm, under } = strike
        missed.push(...misses.map((miss) => `${attack.name}: ${miss}`))
        rows.push(rowOf(attack, strike, misses, count))
        worst.hostileRatio = Math.max(worst.hostileRatio, under.p99Ms / calm.p99Ms)
        worst.hostileTurn = Math.max(worst.hostileTurn, under.turnMs)
        worst.hostileRss = Math.max(worst.hostileRss, under.rssMb)
      }
    } finally {
      await field.close()
    }
    if (isChosen(standstillName)) {
      const standstill = await measureStandstill(options, say)
      missed.push(...standstill.missed.map((miss) => `${standstillName}: ${miss}`))
      notes.push(...standstill.notes.map((note) => `${standstillName}: ${note}`))
    }
    return {
      columns,
      rows,
      figures: chosen.length === attacks.length ? worst : {},
      missed,
      notes: [
        `${options.scouts} honest scouts, ${options.rate} chats/s with ${thinkMs} ms at the provider; ` +
          `${calmSeconds} s without, ${options.seconds} s with each attack and ${calmSeconds} s without it again, of ` +
          "which the better one counts; the hub's log is not read.",
        'Hub, fleet, load and attacker share this machine; the attacker has a low priority. A turn is what the ' +
          'loop itself took, a stall also what it waited for a processor; waits are the shares of the window in ' +
          'which hub, fleet and load waited for one; the hub has threads beside its loop, which ' +
          'collect garbage and inflate bodies. What missed once was tried again on fresh ground, and the second try ' +
          'counts.',
        ...notes,
      ],
    }
  },
}
