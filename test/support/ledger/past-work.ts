/**
 * Work that a hub's ledger is told of as if it had been done on earlier days, so that there are seasons to look at
 * without living through them. The receipts, seals, events and seasons are the hub's own.
 */
import type { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import type { WorkDone } from '../../../orchestrator/engine/ports/ledger/work.ts'
import { endOfSeason, seasonAt } from '../../../orchestrator/ledger/seasons/season.ts'
import { until } from '../clocks/until.ts'
import type { LiveHub } from '../hub/live-hub.ts'
import { type Calendar, lateThisMonth, monthsAgo } from './calendar.ts'
import { dayMs } from './small-ledger.ts'

/** Far from the numbers that a hub gives. */
const firstTask = 2 ** 40
const weekMs = 7 * dayMs

export interface Worked {
  /** Its id. */
  scout: string
  model: string
  tenant: string
  /** Units of the request and of the answer. */
  units: number
  isDirected?: boolean
  isLoop?: boolean
}

/** As a desk counts it, but for texts. */
export function workOf(task: number, { isDirected = false, isLoop = false, ...worked }: Worked): WorkDone {
  const { scout, model, tenant, units } = worked
  const bytes = { textBytes: units * 4 }
  const request = { ...bytes, digest: new Uint8Array(32), media: 0, textsHash: task, answerUnitsMax: null }
  const kind = { kind: 'chat', isPartial: false, isContinued: false, signed: null, attempt: 1 } as const
  const served = { scout, model, provider: 'demo' } as WorkDone['served']
  return { task, ...kind, served, tenant, asker: '', request, answer: { ...bytes, texts: [] }, isDirected, isLoop }
}

export class PastWork {
  private tasks = 0

  constructor(
    private readonly hub: LiveHub,
    private readonly calendar: Calendar,
  ) {}

  /** As of the calendar's day. */
  add(worked: Worked): void {
    this.ledger.worked(workOf(firstTask + this.tasks++, worked))
  }

  /** The number of the task that was added last. */
  get lastTask(): number {
    return firstTask + this.tasks - 1
  }

  /** Resolves once everything that was added is in the chain. */
  async sealed(): Promise<void> {
    if (this.tasks === 0) return
    await until('past work to be sealed', () => typeof this.ledger.receipt(this.lastTask, null) === 'object')
  }

  /** Two months and nineteen days of the present one with work on each of them; the first season, which is closed. */
  async threeSeasons(work: (dayOfAll: number) => void): Promise<string> {
    const beginMs = monthsAgo(2)
    const nowMs = lateThisMonth()
    let day = 0
    const workUntil = (lastMs: number) => {
      for (; beginMs + day * dayMs < lastMs; day++) {
        this.calendar.set(beginMs + day * dayMs + dayMs / 2)
        work(day)
      }
      return this.sealed()
    }
    for (const startMs of [beginMs, monthsAgo(1)]) {
      const season = seasonAt(startMs)
      const endMs = endOfSeason(season)
      await workUntil(endMs)
      // Whatever is due is given to its owners before the season is frozen.
      await this.vested(() => this.state(season, 'closing', endMs + dayMs / 4))
      await this.state(season, 'closed', endMs + weekMs + dayMs / 4)
    }
    await workUntil(nowMs - dayMs)
    await this.vested(async () => this.calendar.set(nowMs))
    return seasonAt(beginMs)
  }

  private async vested(pass: () => Promise<void>): Promise<void> {
    const { earned } = this.ledger.conservation()
    await pass()
    await until('points to vest', () => this.ledger.conservation().earned > earned)
  }

  private async state(season: string, state: string, atMs: number): Promise<void> {
    this.calendar.set(atMs)
    const found = () => this.ledger.seasons().find((one) => one.season === season)?.state
    await until(`season ${season} to be ${state}`, () => found() === state)
  }

  private get ledger(): Ledger {
    return this.hub.hub.engine.ledger as Ledger
  }
}
