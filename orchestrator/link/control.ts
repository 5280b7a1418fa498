/**
 * What brain and edges tell each other about themselves, beside the messages of the ports: who sits where, numbers,
 * requests of limited keys, what was counted, the end.
 */
import type { Fault } from '../../shared/faults.ts'
import type { ChargedKey } from '../engine/ports/charged-key.ts'
import type { Begun } from '../engine/ports/client.ts'
import type { AttemptMessage, FromEdge, ToEdge } from './messages.ts'

/** What numbers are for. */
export type NumberKind = 'tasks' | 'sessions'

/** `Figures` are plain data, of which links know nothing. */
export type ToBrain<Figures = unknown> =
  | FromEdge
  | AttemptMessage
  /** The first message: where other edges reach this one. */
  | { type: 'edgeHello'; path: string }
  /** Its half of the mesh stands, and clients reach it at this port. */
  | { type: 'edgeReady'; port: number }
  | { type: 'wantNumbers'; kind: NumberKind }
  /** Counts a request of a key whose rates are limited; answered with `begun`. */
  | { type: 'begin'; request: number; key: ChargedKey }
  /** Once a second. `open`: connections of scouts and streams of keys that have more or fewer than before. */
  | { type: 'figures'; figures: Figures; open: OpenOfKey[] }

export type OpenOfKey = [key: string, scouts: number, streams: number]

export type ToEdgeOf =
  | ToEdge
  | AttemptMessage
  /** The answer to the hello: its number, and the edges that it is to dial. */
  | { type: 'seat'; edge: number; peers: { edge: number; path: string }[] }
  | { type: 'numbers'; kind: NumberKind; from: number }
  /** Which edge holds the sessions of this block. */
  | { type: 'sessionsAt'; block: number; edge: number }
  | { type: 'edgeGone'; edge: number }
  | { type: 'begun'; request: number; refused: Fault | null; rates: ReturnType<Begun['rates']> }
  /** The hub leaves: scouts are to know. */
  | { type: 'drain'; reason: string }
  /** Everything is decided: write out what is left and end. */
  | { type: 'stop' }

/** Between edges. */
export type ToPeer = AttemptMessage | { type: 'peerHello'; edge: number }
