/**
 * A dispute in sentences, for the client who filed it and for the owner of the scout: how it stands, what was found,
 * what follows, what can be done. Neither is told who the other is, nor who judged. The page and lists use these words.
 * And the names of reasons, states and verdicts; what leads from one state to another is the hub's business.
 */
import { duration } from './standing.ts'

export const disputeReasons = ['wrong', 'truncated', 'off_topic', 'other_model', 'unsafe'] as const
export type DisputeReason = (typeof disputeReasons)[number]

/** What an administrator may decide. */
export const rulingVerdicts = ['upheld', 'rejected'] as const
export type RulingVerdict = (typeof rulingVerdicts)[number]

export const verdicts = [...rulingVerdicts, 'undecided'] as const
export type Verdict = (typeof verdicts)[number]

export const disputeStates = ['open', 'rerunning', 'judging', ...verdicts, 'appealed', 'final'] as const
export type DisputeState = (typeof disputeStates)[number]

/** What decides without a judge. */
export const groundKinds = ['empty', 'repeated', 'malformed'] as const
export type Ground = (typeof groundKinds)[number]

export interface DisputeFigures {
  side: 'client' | 'scout' | 'admin'
  state: DisputeState
  verdict: Verdict | null
  /** Which hearing this is, from 1. */
  hearing: number
  /** Of the last hearing: others that answered, votes against the answer and for it, and what decided without any. */
  reruns: number
  against: number
  for: number
  ground: Ground | null
  /** Milliseconds until the hearing ends at the latest, and while an appeal is possible; null for neither. */
  endsInMs: number | null
  appealInMs: number | null
  /** Milliseconds in which an administrator may decide otherwise; null for none. */
  rulingInMs: number | null
  /** Why an administrator decided as the verdict says; null where none did. */
  ruling: string | null
  held: number
  clawed: number
  /** What this side has pledged, what it loses of that as it stands, and what it got back of the answer's cost. */
  pledged: number
  lost: number
  repaid: number
  /** Whether verdicts have consequences at this hub. */
  isEnforced: boolean
}

/** The most important first. */
export function disputeSentences(figures: DisputeFigures): string[] {
  const { state, endsInMs } = figures
  switch (state) {
    case 'open':
    case 'appealed':
      return [`The same request waits to be put to scouts of other owners; ${atLatest(endsInMs)}.`, ...points(figures)]
    case 'rerunning':
      return [`Scouts of other owners answer the same request again; ${atLatest(endsInMs)}.`, ...points(figures)]
    case 'judging':
      return [`Judges compare the answer with ${others(figures.reruns)}; ${atLatest(endsInMs)}.`, ...points(figures)]
    default:
      return [outcome(figures), ...consequences(figures), ...pledge(figures), ...appealing(figures)]
  }
}

function atLatest(endsInMs: number | null): string {
  return `a verdict comes within ${duration(Math.max(0, endsInMs ?? 0))}`
}

function others(reruns: number): string {
  return reruns === 1 ? 'that of another scout' : `those of ${reruns} other scouts`
}

const grounds: Record<Ground, string> = {
  empty: 'it is empty, and other scouts had something to say',
  repeated: 'the scout gave this very text to another request, and other scouts say something else',
  malformed: 'JSON was asked for, which other scouts gave and this answer is not',
}

function outcome({ verdict, ground, against, for: inFavour, hearing, ruling }: DisputeFigures): string {
  if (ruling !== null)
    return `An administrator decided that the answer ${verdict === 'upheld' ? 'does not hold' : 'holds'}: ${ruling}`
  const again = hearing > 1 ? ' after an appeal' : ''
  if (verdict === 'upheld' && ground !== null) return `The answer does not hold${again}: ${grounds[ground]}.`
  if (verdict === 'upheld')
    return `The answer does not hold${again}: ${counted(against)} against it, ${inFavour} for it.`
  if (verdict === 'rejected') return `The answer holds${again}: ${counted(inFavour)} for it, ${against} against it.`
  return `Nobody could tell whether the answer holds${again}: it stays as it is.`
}

function counted(judges: number): string {
  return judges === 1 ? '1 judge was' : `${judges} judges were`
}

function points(figures: DisputeFigures): string[] {
  const { held } = figures
  return [...(held > 0 ? [`${held} points wait until then.`] : []), ...pledge(figures)]
}

/** Administrators read of the sides' points alone. */
function pledge({ side, state, pledged, lost, repaid }: DisputeFigures): string[] {
  if (side === 'admin' || pledged === 0) return []
  if (state !== 'final') return [`You pledged ${pledged} points, which come back unless you lose.`]
  const back =
    lost === 0
      ? `The ${pledged} points that you pledged came back`
      : `You lost ${lost} of the ${pledged} points that you pledged`
  const spent = repaid === 0 ? '' : `, and the ${repaid} that you had spent on the answer`
  return [`${back}${spent}.`]
}

function consequences({ side, verdict, state, held, clawed, isEnforced }: DisputeFigures): string[] {
  if (verdict === 'rejected' && side === 'client') return ['It counts twice among the disputes that you may file.']
  if (verdict !== 'upheld') return []
  if (!isEnforced) return ['This hub only watches: the verdict is shown, and nothing is taken back.']
  if (state === 'final' && clawed > 0) return [`${clawed} points were taken back.`]
  return held > 0 && state !== 'final' ? [`${held} points wait until the verdict stands.`] : []
}

function appealing({ appealInMs, rulingInMs, side, verdict }: DisputeFigures): string[] {
  if (rulingInMs !== null)
    return [`It stands in ${duration(Math.max(0, rulingInMs))}, unless an administrator decides otherwise.`]
  if (appealInMs === null) return ['The verdict stands.']
  if (side === 'admin') return [`It can be appealed for ${duration(Math.max(0, appealInMs))}.`]
  const hasLost = verdict === 'undecided' || (verdict === 'upheld') === (side === 'scout')
  const span = duration(Math.max(0, appealInMs))
  return [hasLost ? `You can appeal for ${span}; then it stands.` : `The other side can appeal for ${span}.`]
}
