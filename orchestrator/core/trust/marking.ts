/**
 * Trust as placement takes it: what the trust desk concludes about a scout and a model comes in as an event and becomes
 * a mark. Who is convicted is not drawn while somebody else offers the model; when the others go, or are convicted as
 * well, it serves again, because a model is never left without its last scout. Who has not proved itself has few places
 * where somebody has. What to conclude is not decided here.
 */
import type { Event } from '../events.ts'
import { reviewProbation } from '../fleet/windows.ts'
import type { ModelEntry, Scout } from '../model/object-graph.ts'
import type { TrustMark } from '../model/scout.ts'
import type { CoreState } from '../state.ts'
import { countConvicted } from '../stats/trust-marks.ts'

export function markTrust(core: CoreState, event: Extract<Event, { type: 'trust' }>): void {
  const { scout: name, model, state, trustMs, isConvicted, isProven } = event
  const { marks } = core.index
  const values = { state, trustMs, isConvicted, isProven }
  const known = marks.of(name, model)
  if (known !== null && isOnlyWeight(known, values)) {
    marks.set(known, model, values)
    return
  }
  // Rare: the first mark of this kind, or a conviction, a probation or trust that begins or ends.
  const sessions = [...core.roster.bySession.values()].filter(({ record }) => record.scout === name)
  for (const scout of sessions) countConvicted(scout, -1)
  const mark = known ?? marks.add(name, model)
  const hadProven = marks.hasProven(model)
  marks.set(mark, model, values)
  for (const scout of sessions) {
    for (const capability of scout.capabilities) if (capability.entry.model === model) capability.mark = mark
    countConvicted(scout, 1)
    core.freed.push(scout)
    recallConvicted(core, scout.klass.entries)
  }
  // With the first one who has, or the last, probations of all the others begin or end.
  const reviewed = hadProven === marks.hasProven(model) ? sessions : core.roster.bySession.values()
  for (const scout of reviewed) reviewProbations(core, scout, model)
}

/** Whether nobody who waits could be placed otherwise than before. */
function isOnlyWeight(known: TrustMark, { state, isConvicted, isProven }: TrustMark): boolean {
  const isTrusted = (known.state === 'trusted') === (state === 'trusted')
  return isTrusted && known.isConvicted === isConvicted && known.isProven === isProven
}

function reviewProbations(core: CoreState, scout: Scout, model: string): void {
  for (const entry of scout.klass.entries) {
    if (entry.model !== model || !reviewProbation(scout, entry, core.index)) continue
    core.roster.widened(scout)
    core.freed.push(scout)
  }
}

/** Nobody else may offer these models any more: what waits for them goes to those who were set aside. */
export function recallConvicted(core: CoreState, entries: readonly ModelEntry[]): void {
  for (const entry of entries) {
    if (entry.convicted === 0 || entry.queued === 0) continue
    for (const { scout, withdrawn } of entry.ready) if (!withdrawn && hasConviction(scout)) core.freed.push(scout)
  }
}

function hasConviction({ capabilities }: Scout): boolean {
  return capabilities.some(({ mark }) => mark?.isConvicted === true)
}
