/**
 * The trust desk's findings for people: records with their words, the gravest first, and counts.
 */
import { trustListMax, trustNoteCharsMax } from '../../../shared/limits/trust/audits.ts'
import { type AppealState, type TrustState, trustNote, trustSentences } from '../../../shared/scouts/trust-words.ts'
import type { ScoutTrust, TrustFilter, TrustReport } from '../../engine/ports/trust/trust-report.ts'
import type { TrustRecord } from '../standing/record.ts'
import { calmDoubt, weights } from '../standing/weights.ts'
import type { OwnerFigures } from './owner-figures.ts'
import type { TrustBook } from './trust-book.ts'

const gravity: Record<TrustState, number> = { convicted: 0, confirming: 1, watched: 2, new: 3, trusted: 4 }

export function scoutsOf(book: TrustBook, of: TrustFilter, isEnforced: boolean, nowMs: number) {
  const isForOwner = (of.owner ?? null) !== null
  const figuresOf = (record: TrustRecord) => (isForOwner ? book.midnight.of(record) : record)
  const found = [...book.list(of)].map((record) => ({ record, figures: figuresOf(record) }))
  found.sort((a, b) => gravity[a.record.state] - gravity[b.record.state] || b.figures.doubt - a.figures.doubt)
  const scouts = found.slice(0, trustListMax).map(({ record, figures }) => {
    return shown(record, figures, { needed: book.needed(record), isLimited: book.isLimited(record), isEnforced, nowMs })
  })
  return { scouts, more: found.length - scouts.length } satisfies Partial<TrustReport>
}

/** What a scout is told, about the model with which it stands worst. */
export function noteOf(book: TrustBook, scout: string, isEnforced: boolean): string | null {
  const records = [...book.ofScout(scout)].sort((one, other) => gravity[one.state] - gravity[other.state])
  const [worst] = records
  if (worst === undefined) return null
  const { model, state } = worst
  const follows = { isEnforced, isLimited: book.isLimited(worst), appeal: appealOf(worst) }
  return trustNote(model, state, follows).slice(0, trustNoteCharsMax)
}

function appealOf({ state, appeal }: TrustRecord): AppealState | null {
  if (state !== 'convicted') return null
  if (appeal === undefined) return 'possible'
  return appeal.isLost ? 'lost' : 'under_way'
}

interface Moment {
  needed: number
  isLimited: boolean
  isEnforced: boolean
  nowMs: number
}

function shown(record: TrustRecord, of: OwnerFigures, { needed, nowMs, ...follows }: Moment): ScoutTrust {
  const { scout, model, owner, state, sinceMs, untilMs } = record
  const { doubt, passed, checks, failed } = of
  const appeal = appealOf(record)
  const figures = { model, state, doubt, passed, needed, checks, failed, endsInMs: untilMs - nowMs, appeal, ...follows }
  const passesToCalm = Math.max(1, Math.ceil((doubt - calmDoubt) / -weights.pass))
  const sentences = trustSentences({ ...figures, passesToCalm })
  const counts = { doubt: Math.round(doubt * 100) / 100, passed, needed, checks, failed }
  return { scout, model, owner, state, ...counts, sinceMs, untilMs: untilMs > 0 ? untilMs : null, appeal, sentences }
}
