/**
 * A scout's session and the record of its identity as data, with the table of the session's states, which change only
 * through `moveScout`. The roster makes and ends sessions; what a session refers to is in `object-graph.ts`.
 */
import type { TrustState } from '../../../shared/scouts/trust-words.ts'

/**
 * - `ready`: entered with the hello. Takes tasks while it has credit and room. Ends with a drain or the socket.
 * - `draining`: entered when the scout announces that it leaves, or when it broke the protocol and is being closed.
 *   Finishes what it has and takes nothing. Ends with the socket.
 * - `gone`: off the roster and the index, with no credits, no leases and no deadlines. Final.
 */
type ScoutState = 'ready' | 'draining' | 'gone'

const scoutMoves: Record<ScoutState, readonly ScoutState[]> = {
  ready: ['draining', 'gone'],
  draining: ['gone'],
  gone: [],
}

/** The only way a session changes its state. */
export function moveScout(scout: ScoutData, to: ScoutState): void {
  const { session, state } = scout
  if (!scoutMoves[state].includes(to)) throw new Error(`session ${session}: ${state} -> ${to} is no legal move`)
  scout.state = to
}

/** One session. */
export interface ScoutData {
  session: number
  state: ScoutState
  record: ScoutRecord
  instance: string
  /** Advertised, cut to the hub's own limit. */
  capacity: number
  /** Granted and not yet used. */
  credits: number
  /** By key of the model, of those that failed lately or are on probation: see `fleet/windows.ts`. Null for none. */
  windows: Map<string, Window> | null
  /** It presented no lease with its hello, as a process that has just begun. */
  isBlank: boolean
  /** The last of its reports that its provider takes its key, or has a model, no longer; null before the first. */
  refusal: Refusal | null
  /** Leases it holds. */
  running: number
  /** When its last sign of life came, which renewed every lease it holds. */
  heardMs: number
  joinedMs: number
  /** Whether it can take one more task. */
  idle: boolean
}

/** How many tasks of one model at once a session is trusted with, and has. */
export interface Window {
  /** One more per round of successes, half with a failure; Infinity while there was none. */
  size: number
  /** Leases of this model that the session holds. */
  running: number
  /** What it shares with its operator's other newcomers while it is one; else null. */
  places: NewcomerPlaces | null
}

/** How many tasks the newcomers of one operator have. */
export interface NewcomerPlaces {
  readonly operator: string
  /** Windows of newcomers, and leases in them. */
  windows: number
  running: number
  /** Sessions that found no place for lack of one of their operator's. */
  readonly waiting: Set<number>
  /** Of all operators those that have a place, and sessions that wait for it. */
  readonly roomy: Set<NewcomerPlaces>
}

interface Refusal {
  code: 'provider_unauthorized' | 'not_offered'
  model: string
  atMs: number
}

/** How fast a model is served. Exponentially weighted: the newest sample counts a fifth, after a long while all. */
export interface Speed {
  firstContentMs: number
  /** 0 while unknown. */
  tokensPerSecond: number
  samples: number
  /** When the newest sample was taken. */
  sampledMs: number
}

/** What is known of an identity. `failureRate` is exponentially weighted over charged attempts, 0 to 1. */
export interface ScoutRecord {
  scout: string
  operator: string
  failureRate: number
  /** The sizes of the windows with which its last session ended, by key of the model; null while all were open. */
  windows: Map<string, number> | null
  done: number
  failed: number
  /** Tasks it was given, those that went to another one and why, and (about) those it missed for lack of room. */
  won: number
  lostLatency: number
  lostPrice: number
  lostTrust: number
  passedOver: number
  missed: number
  /** Its counts at the begin of each of the hour's slots, up to this one; null while there are none. */
  noted: Float64Array | null
  notedSlot: number
  /** How fast its last session was, by kind and model; null while none has ended that had a sample. */
  speeds: Map<string, Speed> | null
  /** By model: until when its provider is not to be asked; null for no pause. */
  pauses: Map<string, number> | null
  /** When it was given its newest task. */
  wonMs: number
  /** Connected sessions under this identity. */
  sessions: number
}

/** What trust in a scout with a model weighs. One object for all sessions of its scout. */
export interface TrustMark {
  state: TrustState
  /** Added to the cost of a placement. */
  trustMs: number
  /** It gets nothing while somebody else offers the model. */
  isConvicted: boolean
  /** Its probation is over, where there is one. */
  isProven: boolean
}
