/**
 * Reports to scouts how they stand with the hub, and why. Called with every pong, which come spread over time, so that
 * no turn ever looks at the fleet: each scout gets its last hour soon after its welcome, and from then on once a minute
 * if that has changed. It reads the core's records and changes nothing; what is made of them is the scout's business.
 */
import { standingEveryMs } from '../../../shared/limits/scheduling.ts'
import { concurrencyMax, offersMax } from '../../../shared/limits/wire.ts'
import { standingSentences } from '../../../shared/scouts/standing.ts'
import { trustedWith } from '../../core/fleet/windows.ts'
import type { Scout } from '../../core/model/object-graph.ts'
import type { CoreState } from '../../core/state.ts'
import { lastHour } from '../../core/stats/hour-counts.ts'
import { missing } from '../../core/stats/missed-work.ts'
import type { ShownPoints, Standing } from '../ports/scouts.ts'

interface Report {
  atMs: number
  /** What was reported, but for times that pass by themselves. */
  text: string
}

export class StandingReports {
  private readonly reports = new Map<number, Report>()

  constructor(
    private readonly core: CoreState,
    private readonly tell: (session: number, standing: Standing) => void,
    /** Of a scout by its id; nothing where no points are shown. */
    private readonly pointsOf: (scout: string) => ShownPoints = () => ({}),
    /** What audits mean for it; null where nobody audits, or nothing is known. */
    private readonly trustOf: (scout: string) => string | null = () => null,
    /** Whether receipts of this session's answers are countersigned; undefined for one that does not sign. */
    private readonly signingOf: (session: number) => string | undefined = () => undefined,
  ) {}

  /** A sign of life of this session. */
  report(session: number, nowMs: number): void {
    const scout = this.core.roster.bySession.get(session)
    const before = this.reports.get(session)
    if (scout === undefined || (before !== undefined && nowMs - before.atMs < standingEveryMs)) return
    const standing = { ...standingOf(scout, nowMs), ...this.more(scout.record.scout, this.signingOf(session)) }
    const text = JSON.stringify({ ...standing, paused: standing.paused.map(({ model }) => model) })
    this.reports.set(session, { atMs: nowMs, text })
    if (text !== before?.text) this.tell(session, standing)
  }

  /** On the wire nothing may be absent before what is there. */
  private more(scout: string, signing: string | undefined): Partial<Standing> {
    const points = this.pointsOf(scout)
    const trust = this.trustOf(scout)
    const { earned = null, waiting = null, unpaid = null, untrusted = null } = points
    if (signing !== undefined) return { earned, waiting, unpaid, trust: trust ?? '', untrusted, signing }
    if (untrusted !== null) return { earned, waiting, unpaid, trust: trust ?? '', untrusted }
    return trust === null ? points : { earned, waiting, unpaid, trust }
  }

  gone(session: number): void {
    this.reports.delete(session)
  }
}

/** The same in words, as its operator reads them at the scout. */
export function verdictOf(scout: Scout, nowMs: number, signing = ''): string[] {
  const { paused, ...counts } = standingOf(scout, nowMs)
  return standingSentences({ ...counts, signing, paused: paused.map(({ model, resumesInMs }) => [model, resumesInMs]) })
}

function standingOf(scout: Scout, nowMs: number): Standing {
  const { record, pauses } = scout
  const paused: Standing['paused'] = []
  for (const { model, dueMs } of pauses?.values() ?? []) {
    if (paused.length < offersMax) paused.push({ model, resumesInMs: Math.max(0, Math.ceil(dueMs - nowMs)) })
  }
  const failurePermille = Math.round(record.failureRate * 1_000)
  const counts = lastHour(record, nowMs, missing(scout))
  return { ...counts, failurePermille, window: Math.min(concurrencyMax, Math.floor(trustedWith(scout))), paused }
}
