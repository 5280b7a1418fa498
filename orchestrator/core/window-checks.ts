/**
 * The part of the invariants that is about windows and the places of newcomers (17 and 19 of `invariants.ts`): who has
 * one, what is counted in it, and that nobody waits for a place that is there. Only reads.
 */
import { offersMax } from '../../shared/limits/wire.ts'
import { autoModel } from '../../shared/task.ts'
import type { Lease, Scout } from './model/object-graph.ts'
import type { NewcomerPlaces } from './model/scout.ts'
import type { CoreState } from './state.ts'
import { isFull } from './stats/newcomers.ts'

type Fact = string | number | null | undefined

/** `what` is a sentence in which a fact takes the place of each `%`: texts are made of what does not hold alone. */
export type Check = (
  holds: boolean,
  invariant: number,
  who: string | number,
  what: string,
  first?: Fact,
  second?: Fact,
  third?: Fact,
) => void

export function checkWindows(core: CoreState, scout: Scout, leases: readonly Lease[], check: Check): void {
  const { windows, session, klass, record } = scout
  const { marks } = core.index
  check(windows === null || windows.size > 0, 17, session, 'keeps no window at all')
  check((record.windows?.size ?? 0) <= offersMax, 14, session, 'remembers too many windows')
  for (const [key, { size, running, places }] of windows ?? []) {
    const isOffered = klass.entries.some((entry) => entry.key === key && entry.model !== autoModel)
    check(isOffered && size >= 1, 17, session, 'has a window of % for %', size, key)
    const held = leases.filter(({ capability }) => capability?.entry.key === key).length
    check(running === held, 17, session, 'counts % of % leases of %', running, held, key)
    const isBounded = size < Number.POSITIVE_INFINITY || places !== null
    check(isBounded, 17, session, 'keeps a window for % that bounds nothing', key)
  }
  for (const entry of klass.entries) {
    const places = windows?.get(entry.key)?.places ?? null
    const isNewcomer = entry.model !== autoModel && marks.isOnProbation(record, entry)
    check(
      isNewcomer === (places !== null),
      19,
      session,
      'is a newcomer with % or not, and its window differs',
      entry.key,
    )
    check(places === null || places.operator === record.operator, 19, session, 'takes places of another operator')
  }
}

/** It is woken in its turn, and known to nobody until then. */
export function isAwaitingPlace({ windows, session }: Scout): boolean {
  for (const { places } of windows?.values() ?? []) if (places?.waiting.has(session) === true) return true
  return false
}

export function checkNewcomers({ index, roster }: CoreState, check: Check): void {
  const { newcomers } = index
  const counted = new Map<NewcomerPlaces, { windows: number; running: number }>()
  for (const { windows } of roster.bySession.values()) {
    for (const { places, running } of windows?.values() ?? []) {
      if (places === null) continue
      const count = counted.get(places) ?? { windows: 0, running: 0 }
      counted.set(places, { windows: count.windows + 1, running: count.running + running })
    }
  }
  const known = new Set(newcomers.all())
  check(
    known.size === counted.size,
    19,
    'newcomers',
    'of % operators are known, of % there are',
    known.size,
    counted.size,
  )
  for (const places of known) {
    const { operator, windows, running, waiting, roomy } = places
    const count = counted.get(places)
    check(count?.windows === windows, 19, operator, 'counts % windows of % newcomers', windows, count?.windows)
    check(count?.running === running, 19, operator, 'counts % of % tasks of newcomers', running, count?.running)
    const isHeard = waiting.size === 0 || isFull(places) || roomy.has(places)
    check(isHeard, 19, operator, 'has a place, and % wait for one', waiting.size)
    for (const session of waiting)
      check(roster.bySession.has(session), 19, operator, 'is waited for by % who left', session)
  }
}
