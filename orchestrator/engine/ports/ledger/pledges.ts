/**
 * What the sides of a dispute put at stake where points are spent, as the dispute desk sees it. How a dispute ends is
 * told with its verdict, to the ledger.
 */

import type { Fault } from '../../../../shared/faults.ts'
import type { Steps } from '../../../../shared/turn-lane.ts'
import type { Pledge } from '../../../ledger/accounts/account.ts'

export interface Pledges {
  /** What it costs by the price list to ask a task's request again; null for a task without a receipt. */
  costOf(task: number): number | null
  /** Sets so many points aside; or why they cannot be. */
  set(pledge: Pledge, points: number): Fault | null
  /** Those that have not come to their end. Looks at every account. */
  open(): Pledge[]
  /** What a client has spent on a task. Looks through the batches around its receipt, some in each step. */
  spentOn(task: number): Steps<number>
}
