/**
 * What brain and edges tell each other about themselves, beside the messages of the ports: who sits where, numbers,
 * requests of limited keys, what was counted, the end.
 */
import type { Fault } from '../../shared/faults.ts'
import type { ChargedKey } from '../engine/ports/charged-key.ts'
import type { Begun } from '../engine/ports/client.ts'
import type { NetworkState } from '../engine/ports/network/network-state.ts'
import type { SeenAnswer } from '../engine/ports/trust/witness.ts'
import type { AttemptMessage, FromEdge, ToEdge } from './messages.ts'
import type { EdgeBefore, PresentedSession, PresentedTask } from './presented.ts'

/** Of all messages between processes: those of another version do not understand each other. */
export const linkVersion = 5

/** In the place of the number of an edge: the brain holds these sessions itself, which stand for other hubs. */
export const atBrain = -1

/** What numbers are for. */
export type NumberKind = 'tasks' | 'sessions'

/** `Figures` are plain data, of which links know nothing. */
export type ToBrain<Figures = unknown> =
  | FromEdge
  | AttemptMessage
  /** The first message: where other edges reach this one; `before` is null for an edge that has just started. */
  | { type: 'edgeHello'; version: number; path: string; before: EdgeBefore | null }
  /** From an edge that was there before, what the brain has to know; `presented` ends it. */
  | { type: 'presentSession'; session: PresentedSession }
  | { type: 'presentTask'; task: PresentedTask }
  | { type: 'presented' }
  /** Instead of a hello, from the command that restarts the brain: it is to leave, and edges are to stay. */
  | { type: 'leave' }
  /** Its half of the mesh stands, and clients reach it at this port. */
  | { type: 'edgeReady'; port: number }
  | { type: 'wantNumbers'; kind: NumberKind }
  /** Counts a request of a key whose rates are limited; answered with `begun`. */
  | { type: 'begin'; request: number; key: ChargedKey }
  /** Of answers that were committed, for who judges them. */
  | SeenAnswer
  /** A scout of an operator that is a client as well holds a request with these texts now, or does so no more. */
  | { type: 'heldTexts'; operator: string; texts: number; isHeld: boolean }
  /** A key of this hub, which was made by an older program, is known in the network by this print. */
  | { type: 'keyMet'; id: string; print: string }
  /** Once a second. `open`: connections of scouts and streams of keys that have more or fewer than before. */
  | { type: 'figures'; figures: Figures; open: OpenOfKey[] }

export type OpenOfKey = [key: string, scouts: number, streams: number]

export type ToEdgeOf =
  | ToEdge
  | AttemptMessage
  /** The answer to the hello: its number, epoch and process of the brain, and the edges that it is to dial. */
  | { type: 'seat'; edge: number; epoch: number; pid: number; peers: { edge: number; path: string }[] }
  | { type: 'numbers'; kind: NumberKind; from: number }
  /** Which edge holds the sessions of this block; `atBrain` for the brain. */
  | { type: 'sessionsAt'; block: number; edge: number }
  | { type: 'edgeGone'; edge: number }
  /**
   * Of the edges up to the last number these are there, and all others are gone. Later ones may have come meanwhile.
   */
  | { type: 'edges'; edges: number[]; last: number }
  /** It cannot be an edge of this brain, and is to end. */
  | { type: 'turnedAway'; why: string }
  /** These ask for something: what their scouts hold is to be told. */
  | { type: 'clients'; names: string[] }
  | { type: 'begun'; request: number; refused: Fault | null; rates: ReturnType<Begun['rates']> }
  /** After the seat, and whenever it is another; of a hub by itself never. */
  | { type: 'network'; state: NetworkState }
  /** This session's scout, which is idle, is to dial again, and perhaps at another edge. */
  | { type: 'moveSession'; session: number }
  /** The hub leaves: scouts are to know. */
  | { type: 'drain'; reason: string }
  /** Everything is decided: write out what is left and end. */
  | { type: 'stop' }

/** Between edges. */
export type ToPeer = AttemptMessage | { type: 'peerHello'; edge: number }
