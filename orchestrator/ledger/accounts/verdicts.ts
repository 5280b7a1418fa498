/**
 * What follows from a verdict of the trust part: the points of its tasks move, as far as they are still there. Escrow
 * is taken first; what has vested is taken from what the operator has earned in a season that is not frozen; what was
 * paid already stays, and is told. The same verdict a second time moves nothing. Pure.
 */
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { isFrozen, seasonAt, seasonOfDay } from '../seasons/season.ts'
import { burn, clientOf, earnedOf, escrowOf, heldOf, pledgedOf, takenOf } from './account.ts'
import { dayOfReceipt } from './earnings.ts'
import type { Transfer, TransferReason } from './events.ts'
import type { Projector } from './projector.ts'
import type { Verdict } from './trust-port.ts'

/** The transfers, and the points that could not be reached any more. */
export interface Consequence {
  events: Transfer[]
  missing: number
}

export function consequenceOf(
  projector: Projector,
  verdict: Omit<Verdict, 'tasks'>,
  receipts: readonly Receipt[],
  nowMs: number,
): Consequence {
  const draft = new Draft(projector, verdict.id)
  for (const receipt of receipts) judge(draft, verdict, receipt, nowMs)
  settle(draft, verdict)
  const { events, missing } = draft
  return { events, missing }
}

function judge(draft: Draft, { id, do: verdict }: Pick<Verdict, 'id' | 'do'>, receipt: Receipt, nowMs: number): void {
  const { task, scout, model } = receipt
  const held = heldOf(id, task)
  const taken = takenOf(task)
  const day = dayOfReceipt(receipt)
  const escrow = escrowOf(day, scout, model)
  if (verdict === 'release') return void draft.take('release', held, escrow, draft.of(held))
  if (draft.of(taken) > 0) return
  if (draft.of(held) > 0) {
    if (verdict === 'clawback') draft.take('clawback', held, taken, draft.of(held))
    return
  }
  const to = verdict === 'hold' ? held : taken
  let missing = receipt.points
  for (const from of [escrow, ...earnedAccounts(draft.projector, receipt, day, nowMs)]) {
    missing -= draft.take(verdict, from, to, missing)
  }
  draft.missing += missing
}

/** A pledge ends once, and only with it anything is repaid: so the same verdict a second time repays nothing. */
function settle(draft: Draft, { pledges = [], repay }: Omit<Verdict, 'tasks'>): void {
  let ended = 0
  for (const { isLost, ...pledge } of pledges) {
    const from = pledgedOf(pledge)
    const [why, to] = isLost ? (['forfeit', burn] as const) : (['refund', clientOf(pledge.tenant)] as const)
    ended += draft.take(why, from, to, draft.of(from))
  }
  if (repay !== undefined && ended > 0) draft.take('repay', burn, clientOf(repay.tenant), repay.points)
}

/** Where the operator's vested points are that are not frozen: of the receipt's season, then of the present one. */
function earnedAccounts({ seasons }: Projector, { scout }: Receipt, day: number, nowMs: number): string[] {
  const names = new Set([seasonOfDay(day), seasonAt(nowMs)])
  const open = [...names].filter((season) => !isFrozen(seasons.get(season)?.state))
  return open.map((season) => earnedOf(season, operatorOf(scout)))
}

/** The balances as they will be when the events so far have happened. */
class Draft {
  readonly events: Transfer[] = []
  missing = 0
  private readonly changes = new Map<string, number>()

  constructor(
    readonly projector: Projector,
    private readonly note: string,
  ) {}

  of(account: string): number {
    return this.projector.balances.of(account) + (this.changes.get(account) ?? 0)
  }

  /** Moves as many of these points as are there; how many those were. */
  take(why: TransferReason, from: string, to: string, most: number): number {
    const points = Math.min(most, this.of(from))
    if (points <= 0) return 0
    this.events.push({ type: 'transfer', why, from, to, points, note: this.note })
    this.changes.set(from, (this.changes.get(from) ?? 0) - points)
    this.changes.set(to, (this.changes.get(to) ?? 0) + points)
    return points
  }
}
