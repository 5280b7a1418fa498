/**
 * Tells scouts how they stand with the hub, and why. Fed with every pong, which come spread over time, so that no turn
 * ever looks at the fleet: each scout hears of its last hour soon after its welcome, and from then on once a minute if
 * that has changed. It reads the core's records and changes nothing; what is made of them is the scout's business.
 */
import { standingEveryMs } from '../../../shared/limits/scheduling.ts'
import { concurrencyMax, offersMax } from '../../../shared/limits/wire.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import type { Scout } from '../../core/model/object-graph.ts'
import type { CoreState } from '../../core/state.ts'
import { lastHour } from '../../core/stats/hour-counts.ts'
import { missing } from '../../core/stats/missed-work.ts'

interface Told {
  atMs: number
  /** What it was told, but for times that pass by themselves. */
  said: string
}

export class StandingReports {
  private readonly told = new Map<number, Told>()

  constructor(
    private readonly core: CoreState,
    private readonly send: (session: number, frame: FrameOf<'standing'>) => void,
  ) {}

  /** A sign of life of this session, after the core has heard of it. */
  heard(session: number, nowMs: number): void {
    const scout = this.core.roster.bySession.get(session)
    const before = this.told.get(session)
    if (scout === undefined || (before !== undefined && nowMs - before.atMs < standingEveryMs)) return
    const frame = standingOf(scout, nowMs)
    const said = JSON.stringify({ ...frame, paused: frame.paused.map(([model]) => model) })
    this.told.set(session, { atMs: nowMs, said })
    if (said !== before?.said) this.send(session, frame)
  }

  gone(session: number): void {
    this.told.delete(session)
  }
}

function standingOf(scout: Scout, nowMs: number): FrameOf<'standing'> {
  const { record, window, pauses } = scout
  const paused: FrameOf<'standing'>['paused'] = []
  for (const { model, dueMs } of pauses?.values() ?? []) {
    if (paused.length < offersMax) paused.push([model, Math.max(0, Math.ceil(dueMs - nowMs))])
  }
  const failurePermille = Math.round(record.failureRate * 1_000)
  const counts = lastHour(record, nowMs, missing(scout))
  return { type: 'standing', ...counts, failurePermille, window: Math.min(concurrencyMax, Math.floor(window)), paused }
}
