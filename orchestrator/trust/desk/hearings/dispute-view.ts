/**
 * A dispute as one side is shown it: its course, votes with reasons, and sentences. What names the other side, or a
 * judge, is left out here and nowhere else.
 */
import { disputeSentences } from '../../../../shared/scouts/dispute-words.ts'
import type { DisputeView, HearingView } from '../../../engine/ports/trust/disputes.ts'
import {
  appealEndsMs,
  type Dispute,
  type Hearing,
  hearingOf,
  rulingEndsMs,
  stakesOf,
  verdictOf,
} from '../../disputes/dispute.ts'
import { isDecided } from '../../disputes/states.ts'

export function viewOf(dispute: Dispute, side: DisputeView['side'], isEnforced: boolean, nowMs: number): DisputeView {
  const { id, task, state, reason, model, answeredMs, filedMs, sinceMs, held, clawed, appeal, hearings } = dispute
  const verdict = verdictOf(dispute)
  const isHeard = state !== 'final' && !isDecided(state)
  const endsMs = isHeard ? hearingOf(dispute).endsMs : null
  const appealMs = appealEndsMs(dispute)
  const rulingMs = rulingEndsMs(dispute)
  const { ruling } = dispute
  const stakes = stakesOf(dispute).filter(({ by }) => side === 'admin' || by === side)
  const pledged = sumOf(stakes)
  const repaid = side === 'scout' ? 0 : (dispute.repaid ?? 0)
  const decisive = hearings.findLast((one) => one.verdict === verdict) ?? hearingOf(dispute)
  const { reruns, votes, ground } = isHeard ? hearingOf(dispute) : decisive
  const sentences = disputeSentences({
    ...{ side, state, verdict, hearing: hearings.length, reruns: reruns.length, ground, held, clawed, isEnforced },
    ...{ pledged, lost: sumOf(stakes.filter(({ isLost }) => isLost)), repaid },
    against: votes.filter(({ against }) => against === true).length,
    for: votes.filter(({ against }) => against === false).length,
    endsInMs: endsMs === null ? null : endsMs - nowMs,
    appealInMs: appealMs === null ? null : appealMs - nowMs,
    rulingInMs: rulingMs === null ? null : rulingMs - nowMs,
    ruling: ruling?.why ?? null,
  })
  return {
    ...{ id, task, side, state, verdict, reason, model, answeredMs, filedMs, changedMs: sinceMs, endsMs, held, clawed },
    ...{ pledged, repaid },
    comment: side === 'scout' ? null : dispute.comment,
    scout: side === 'client' ? null : dispute.scout,
    appealEndsMs: appealMs,
    rulingEndsMs: rulingMs,
    ruling: ruling === undefined ? null : { verdict: ruling.verdict, why: ruling.why },
    appealedBy: appeal?.by ?? null,
    hearings: hearings.map(hearingView),
    sentences,
  }
}

function sumOf(stakes: readonly { points: number }[]): number {
  return stakes.reduce((sum, { points }) => sum + points, 0)
}

function hearingView({ reruns, judges, votes, ground, verdict }: Hearing): HearingView {
  const shown = votes.map(({ against, why }) => ({ against, why }))
  return { reruns: reruns.length, judges: judges.length, votes: shown, ground, verdict }
}
