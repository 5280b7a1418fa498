/**
 * Whether one record of trust may become another within one event. The rules and their numbers are those that
 * docs/trust promises to whoever runs a scout, written down apart from the code that keeps them.
 */
import type { TrustRecord } from '../../../../orchestrator/trust/standing/record.ts'

interface Around {
  nowMs: number
  /** Nobody may be convicted for this model now. */
  isBraked: boolean
  /** Passes that a newcomer of this owner needs. */
  needed: number
  /** What its scout has settled since its state changed last. */
  works: number
}

interface Flaw {
  invariant: number
  what: string
}

const dayMs = 86_400_000
const [watchedAt, calmAt, graveAt, provenAt] = [4.2, 1, Math.log(10_000), Math.log(1_000)]
const freshMax = 80
const repeatsMax = 3
/** What one check adds to doubt or evidence: a pass, odd, gross, a question that was answered wrong. */
const weights = [Math.log(0.8 / 0.95), Math.log(0.12 / 0.045), Math.log(0.08 / 0.005), Math.log(0.2 / 0.05)] as const
const close = 1e-9

/** What is wrong with this change; null when nothing is. */
export function flawOfChange(before: TrustRecord, after: TrustRecord, around: Around): Flaw | null {
  return (
    flawOfCounts(before, after, around) ??
    flawOfAppeal(before, after, around) ??
    (before.state === after.state ? null : flawOfMove(before, after, around))
  )
}

/** One event may bring several checks of a record, rarely; of one the arithmetic is known. */
function flawOfCounts(before: TrustRecord, after: TrustRecord, { works }: Around): Flaw | null {
  const checks = after.checks - before.checks
  if (after.doubt < 0) return flaw(48, `its doubt is ${after.doubt}`)
  if (checks < 0) return flaw(48, `it has ${-checks} checks less`)
  if (new Set(after.repeatTenants).size !== after.repeatTenants.length)
    return flaw(48, 'one tenant showed two of its repeats')
  const isHeard = before.state === 'convicted' && before.appeal?.isLost === false
  if (before.state === 'convicted' && after.state === 'convicted' && !isHeard && checks > 0)
    return flaw(48, 'it is checked while it is convicted')
  if (checks !== 1) return null
  if (before.state === 'confirming' || isHeard) {
    if (after.state === 'convicted' || after.state === 'confirming') {
      if (!weights.some((weight) => isNear(after.evidence, before.evidence + weight)))
        return flaw(48, `its evidence went from ${before.evidence} to ${after.evidence}`)
    }
    const fresh = after.fresh - before.fresh
    const begun = isHeard ? 'appeal' : 'confirmation'
    return fresh === 1 && works < 1
      ? flaw(isHeard ? 62 : 48, `what was made before its ${begun} counts as fresh`)
      : null
  }
  const isRight = weights.some((weight) => isNear(after.doubt, Math.max(0, before.doubt + weight)))
  return isRight ? null : flaw(48, `its doubt went from ${before.doubt} to ${after.doubt}`)
}

/** One appeal for each conviction, which begins with no evidence and is lost by evidence alone. */
function flawOfAppeal(before: TrustRecord, after: TrustRecord, { isBraked }: Around): Flaw | null {
  if (after.appeal === undefined) return null
  if (after.state !== 'convicted') return flaw(62, `it is ${after.state}, and its appeal goes on`)
  if (before.state !== 'convicted' || before.appeal === after.appeal) return null
  if (before.appeal === undefined)
    return after.fresh === 0 && after.evidence === 0 ? null : flaw(62, 'its appeal begins with evidence')
  if (before.appeal.isLost || before.appeal.atMs !== after.appeal.atMs)
    return flaw(62, 'its conviction is appealed again')
  if (isBraked) return flaw(62, 'its appeal is lost while nobody may be convicted')
  return after.evidence >= provenAt ? null : flaw(62, `its appeal is lost with an evidence of ${after.evidence}`)
}

function flawOfMove(before: TrustRecord, after: TrustRecord, around: Around): Flaw | null {
  const move = `${before.state} > ${after.state}`
  const { nowMs, needed } = around
  const wrong = (what: string) => flaw(48, `${move}: ${what}`)
  switch (move) {
    case 'new > trusted':
      if (after.passed < needed) return wrong(`it passed ${after.passed} of ${needed} checks`)
      return nowMs - before.firstMs < dayMs - 1 ? wrong('its first day is not over') : null
    case 'new > watched':
    case 'trusted > watched':
      return after.doubt < watchedAt ? wrong(`at a doubt of ${after.doubt}`) : null
    case 'watched > confirming':
      if (after.doubt < graveAt) return wrong(`at a doubt of ${after.doubt}`)
      return after.evidence !== 0 || after.fresh !== 0 ? wrong('its evidence is not fresh') : null
    case 'watched > new':
      if (after.doubt > calmAt) return wrong(`at a doubt of ${after.doubt}`)
      // What came behind it in the same event counts anew.
      return after.passed >= Math.max(1, after.checks - before.checks) ? wrong(`it keeps ${after.passed} passes`) : null
    case 'confirming > watched':
      if (after.fresh < freshMax) return wrong(`after ${after.fresh} fresh checks`)
      return startsWatch(before, after) ? null : wrong(`its doubt stays at ${after.doubt}`)
    case 'convicted > new':
      if (nowMs < before.untilMs) return wrong('before its time')
      return after.doubt !== 0 || after.passed !== 0 ? wrong('its past is not forgotten') : null
    case 'convicted > watched':
      if (before.appeal?.isLost !== false) return flaw(62, 'its conviction ends without an appeal')
      if (after.fresh < freshMax) return flaw(62, `its conviction ends after ${after.fresh} fresh checks`)
      if (after.evidence >= provenAt) return flaw(62, `its conviction ends with an evidence of ${after.evidence}`)
      if (after.convictions !== before.convictions - 1) return flaw(62, 'a conviction that was overturned counts')
      return startsWatch(before, after) ? null : wrong(`its doubt is ${after.doubt}`)
    default:
      return after.state === 'convicted' ? flawOfConviction(before, after, around) : wrong('is no way that trust goes')
  }
}

function flawOfConviction(before: TrustRecord, after: TrustRecord, { isBraked, nowMs }: Around): Flaw | null {
  if (isBraked) return flaw(49, `${before.state} > convicted: too many owners came under watch today`)
  const isRepeater = after.repeatTenants.length >= repeatsMax
  const isConfirmed = before.state === 'confirming' && after.evidence >= provenAt && after.fresh <= freshMax
  if (!isRepeater && !isConfirmed)
    return flaw(48, `${before.state} > convicted: neither repeats nor fresh checks show it`)
  const days = Math.min(2 ** before.convictions, 30)
  return isNear(after.untilMs - nowMs, days * dayMs, dayMs / 2) ? null : flaw(48, `a conviction of not ${days} days`)
}

/** At the threshold of a watch, unless another check came in the same event. */
function startsWatch(before: TrustRecord, after: TrustRecord): boolean {
  return isNear(after.doubt, watchedAt) || after.checks - before.checks > 1
}

function flaw(invariant: number, what: string): Flaw {
  return { invariant, what }
}

function isNear(one: number, other: number, within = close): boolean {
  return Math.abs(one - other) <= within
}
