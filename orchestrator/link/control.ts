/**
 * What brain and edges tell each other about themselves, beside the messages of the ports: who sits where, numbers,
 * keys that count no more, the end.
 */
import type { AttemptMessage, FromEdge, ToEdge } from './messages.ts'

/** What numbers are for. */
export type NumberKind = 'tasks' | 'sessions'

export type ToBrain =
  | FromEdge
  | AttemptMessage
  /** The first message: where other edges reach this one. */
  | { type: 'edgeHello'; path: string }
  /** Its half of the mesh stands, and it listens there. */
  | { type: 'edgeReady' }
  | { type: 'wantNumbers'; kind: NumberKind }
  /** Once a second, as the library of the metrics exports them. */
  | { type: 'metrics'; metrics: unknown[] }

export type ToEdgeOf =
  | ToEdge
  | AttemptMessage
  /** The answer to the hello: its number, and the edges that it is to dial. */
  | { type: 'seat'; edge: number; peers: { edge: number; path: string }[] }
  | { type: 'numbers'; kind: NumberKind; from: number }
  /** Which edge holds the sessions of this block. */
  | { type: 'sessionsAt'; block: number; edge: number }
  | { type: 'edgeGone'; edge: number }
  | { type: 'keyRevoked'; id: string }
  /** The hub leaves: scouts are to know. */
  | { type: 'drain'; reason: string }
  /** Everything is decided: write out what is left and end. */
  | { type: 'stop' }

/** Between edges. */
export type ToPeer = AttemptMessage | { type: 'peerHello'; edge: number }
