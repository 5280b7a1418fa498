/**
 * The phases of a session on either side, as tables: which phase may follow which, and which frames each accepts.
 * A session has one phase and changes it only through its own `enter`, which asserts the move against these.
 */
import type { HubFrame, ScoutFrame } from './frames.ts'

/** Hub's side: `greeting` until the hello, `ready`, `draining` once either side leaves, `closed`. */
export type HubPhase = 'greeting' | 'ready' | 'draining' | 'closed'

export const hubPhaseMoves: Record<HubPhase, readonly HubPhase[]> = {
  greeting: ['ready', 'closed'],
  ready: ['draining', 'closed'],
  draining: ['closed'],
  closed: [],
}

type ScoutFrameType = ScoutFrame['type']
const atWork: readonly ScoutFrameType[] = [
  'credit',
  'started',
  'chunk',
  'settle',
  'fragment',
  'pong',
  'drain',
  'offers',
]

/** What the hub accepts from a scout in each phase; anything else closes with 4400. */
export const hubAccepts: Record<HubPhase, readonly ScoutFrameType[]> = {
  greeting: ['hello'],
  ready: atWork,
  draining: atWork,
  closed: [],
}

/**
 * Scout's side: `waiting` for the next dial, `dialing`, `greeting` (hello sent), `ready`, `draining`, and `stopped`,
 * from which nothing leads back.
 */
export type ScoutPhase = 'waiting' | 'dialing' | 'greeting' | 'ready' | 'draining' | 'stopped'

export const scoutPhaseMoves: Record<ScoutPhase, readonly ScoutPhase[]> = {
  waiting: ['dialing', 'stopped'],
  dialing: ['greeting', 'waiting', 'stopped'],
  greeting: ['ready', 'waiting', 'stopped'],
  ready: ['draining', 'waiting', 'stopped'],
  draining: ['stopped'],
  stopped: [],
}

type HubFrameType = HubFrame['type']
const fromHub: readonly HubFrameType[] = [
  'task',
  'cancel',
  'settled',
  'ping',
  'hubDrain',
  'flow',
  'fragment',
  'standing',
]

/** What a scout accepts from the hub in each phase; anything else closes with 4400. */
export const scoutAccepts: Record<ScoutPhase, readonly HubFrameType[]> = {
  waiting: [],
  dialing: [],
  greeting: ['welcome'],
  ready: fromHub,
  draining: fromHub,
  stopped: [],
}
