/**
 * One edge as the brain has it: its link, the sessions that it holds and what it told of itself last; and which of its
 * scouts may be asked to dial again.
 */
import type { CoreState } from '../core/state.ts'
import { blockOf } from '../engine/numbers.ts'
import type { AttemptEvents } from '../engine/ports/scouts.ts'
import type { Figures } from '../http/figures.ts'
import type { ToBrain, ToEdgeOf } from '../link/control.ts'
import type { Link } from '../link/link.ts'
import { carrierOver, holderOver } from '../link/messages.ts'
import type { Returning } from './returning.ts'

export type FromEdge = ToBrain<Figures>
export type EdgeLink = Pick<Link<FromEdge, ToEdgeOf>, 'send' | 'end'>

export interface Seat {
  edge: number
  link: EdgeLink
  /** For attempts at scouts whose sockets it holds. */
  holder: ReturnType<typeof holderOver>
  /** For answers that it carries. */
  carrier: AttemptEvents
  /** Where other edges reach it. */
  path: string
  /** Open sessions. */
  sessions: Set<number>
  /** Blocks of sessions of which it knows the edge. */
  told: Set<number>
  /** As it exported them last. */
  metrics: unknown[]
  /** Connections of scouts and streams, by key. */
  open: Map<string, { scouts: number; streams: number }>
  /** It outlived the last brain, or waits for those that did, and is not taken over yet; null else. */
  returning: Returning<FromEdge> | null
}

/** `epoch`: of this brain. */
export function newSeat(of: Pick<Seat, 'edge' | 'link' | 'path' | 'returning'>, epoch: number): Seat {
  const { link } = of
  const ways = { holder: holderOver(link, () => epoch), carrier: carrierOver(link) }
  return { ...of, ...ways, sessions: new Set(), told: new Set(), metrics: [], open: new Map() }
}

/** The first so many. */
export function* upTo<T>(all: Iterable<T>, count: number): Iterable<T> {
  let left = count
  for (const one of all) {
    if (left-- <= 0) return
    yield one
  }
}

/** The scout of this session works on nothing, and may be given something. */
export function isIdle({ roster }: CoreState, session: number): boolean {
  const scout = roster.bySession.get(session)
  return scout !== undefined && scout.state !== 'draining' && scout.newest === null
}

/** Blocks of which the edge is remembered. */
const blocksMax = 65_536

/** Remembers whose block this number is the first of; those of the oldest are long out of use. */
export function noteBlock<Of>(seats: Map<number, Of>, from: number, seat: Of): void {
  seats.set(blockOf(from), seat)
  if (seats.size > blocksMax) seats.delete(seats.keys().next().value!)
}
