/**
 * What an edge presents to a brain that does not know it: the brain before that one is gone, and what it knew of
 * clients and scouts is at the edges that hold their sockets. Plain data, made by the ledgers of an edge.
 */
import type { FromClients } from '../engine/ports/brain.ts'
import type { Greeting } from '../engine/ports/scouts.ts'

/** What an edge was to the brain before. */
export interface EdgeBefore {
  /** Its number, which stays: other edges know it by that. */
  edge: number
  port: number
  /** First numbers of the blocks that it has. */
  tasks: number[]
  sessions: number[]
}

/** A scout's session whose socket the edge holds. */
export interface PresentedSession {
  /** As of now: with what it offers, and how much of it at once. */
  greeting: Greeting
  /** It has its welcome; another one still waits for the answer to its hello. */
  isWelcome: boolean
  isDraining: boolean
  /** Tasks that it has invited and not got. */
  credits: number
  /** What it has got and has had no verdict on. `isSettled`: it has reported an end. */
  work: { task: number; attempt: number; nonce: Uint8Array; isSettled: boolean }[]
}

type Submitted = Extract<FromClients, { type: 'submit' }>

/** A task whose answer the edge carries. */
export interface PresentedTask {
  /** As it was submitted; its deadline counts from now. */
  submitted: Submitted
  attempt: number
  queuedMs: number
  /** Attempts that were begun and not ended by the brain. */
  leases: PresentedLease[]
  /** Of the attempt whose content the client gets; null before. */
  began: FromClients | null
  /** The client is gone, or the answer cannot be given any more. */
  cancel: FromClients | null
}

export interface PresentedLease {
  session: number
  attempt: number
  nonce: Uint8Array
  model: string
  provider: string
  /** What would end it, in order, and of which the edge has heard nothing: at most one report of each type. */
  ends: Extract<FromClients, { type: 'settle' | 'attemptBroken' | 'unsent' }>[]
}
