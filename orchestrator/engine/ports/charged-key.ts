/**
 * The key that a piece of work is done for, as far as the engine holds it to its scopes and limits, and what its tasks
 * cost it. The keyring's answers to the edges are such keys; what is limited is counted by `orchestrator/tenants`.
 */

import type { Fault } from '../../../shared/faults.ts'
import { type KeyScopes, noLimits, noScopes } from '../../../shared/keys/key-terms.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Cost } from '../../ledger/spending/reservations.ts'
import type { Price, RequestSize } from '../../tenants/price.ts'
import type { LimitedKey, Reservation } from '../../tenants/tenants.ts'

export interface ChargedKey extends LimitedKey {
  readonly tenant: string
  readonly scopes: Pick<KeyScopes, 'models' | 'audit'>
}

/** Of somebody whose key is not known: nothing is restricted. */
export function unlimitedKey(tenant: string): ChargedKey {
  return { id: tenant, tenant, account: null, scopes: noScopes, limits: noLimits, accountLimits: noLimits }
}

/** What a submission takes along where its key is limited or restricted. */
export interface Charge {
  readonly key: ChargedKey
  /** Null for a key whose use counts for nothing. */
  readonly size: RequestSize | null
}

/** Points of a client that are set aside for one task, until it is over; once. */
export interface Hold {
  readonly tenant: string
  /** Unique in its hub. */
  readonly id: string
  /** None where only the client's own scouts may serve it, which costs nothing. */
  readonly points: number
  /** What its receipt says that it cost; null before there is one. */
  owed: Cost | null
  isOver: boolean
}

/** What is known of a task for which points are set aside. */
export interface HeldTask {
  readonly kind: TaskKind
  readonly model: string
  /** The client named nobody who alone may serve it, so that it may be left to its own scouts. */
  readonly isOpen: boolean
}

/** The points of clients, where a hub lets them spend. */
export interface Purse {
  /** Null for whoever pays nothing. */
  hold(tenant: string, task: HeldTask, size: RequestSize): Hold | Fault | null
  /** The same for a task of which it is known how much to set aside. */
  holdPoints(tenant: string, points: number): Hold | Fault | null
  /** For a task that was admitted before: so many points, or as many as there are. */
  restore(tenant: string, points: number): Hold | null
  /** The same where that is not known. */
  restoreSized(tenant: string, task: HeldTask, size: RequestSize): Hold | null
  /** It is over: what is owed is spent, the rest given back. */
  over(hold: Hold): void
}

/** Of one task, from before it is given out until it is over. */
export interface Tab {
  readonly key: ChargedKey
  readonly kind: TaskKind
  /** Null for a key without limits. */
  readonly reservation: Reservation | null
  /** What a token costs at most; null for a key without limits. */
  readonly price: Price | null
  /** Null where nobody pays with points. */
  readonly hold: Hold | null
}

/** What was used of a scout for one task. */
export interface Use {
  /** Who served it. */
  readonly model: string
  readonly promptTokens: number
  readonly completionTokens: number
  /** No provider counted it, or the client left before the end. */
  readonly isEstimated: boolean
}

/** As an offer names them, or as they are charged; null when unknown. */
export interface ServedPrice {
  readonly promptPrice: number | null
  readonly answerPrice: number | null
}
