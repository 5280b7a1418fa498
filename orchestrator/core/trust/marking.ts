/**
 * Trust as placement takes it: what the trust desk concludes about a scout and a model comes in as an event and becomes
 * a mark. Who is convicted is not drawn while somebody else offers the model; when the others go, or are convicted as
 * well, it serves again, because a model is never left without its last scout. What to conclude is not decided here.
 */
import type { Event } from '../events.ts'
import type { ModelEntry, Scout } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { countConvicted } from '../stats/trust-marks.ts'

export function markTrust(core: CoreState, event: Extract<Event, { type: 'trust' }>): void {
  const { scout: name, model, trustMs, isConvicted } = event
  const { marks } = core.index
  const known = marks.of(name, model)
  if (known !== null && known.isConvicted === isConvicted) {
    known.trustMs = trustMs
    return
  }
  // Rare: the first mark of this kind, or a conviction that begins or ends.
  const sessions = [...core.roster.bySession.values()].filter(({ record }) => record.scout === name)
  for (const scout of sessions) countConvicted(scout, -1)
  const mark = known ?? marks.add(name, model)
  Object.assign(mark, { trustMs, isConvicted })
  for (const scout of sessions) {
    for (const capability of scout.capabilities) if (capability.entry.model === model) capability.mark = mark
    countConvicted(scout, 1)
    core.freed.push(scout)
    recallConvicted(core, scout.klass.entries)
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
