/**
 * What the sides of a dispute put at stake, where points are spent and verdicts have consequences: the client the cost
 * of asking its request again as often as a hearing does, whoever appeals twice as much. Whoever does not lose gets it
 * back, and the client of an answer that does not hold what it has spent on it. It only says what is to move; the
 * ledger moves it along with the verdict, once.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { appealPledgeFactor, hearingSize } from '../../../../shared/limits/trust/disputes.ts'
import type { TurnLane } from '../../../../shared/turn-lane.ts'
import type { LedgerReport } from '../../../engine/ports/ledger/ledger.ts'
import type { Pledge } from '../../../ledger/accounts/account.ts'
import type { Verdict } from '../../../ledger/accounts/trust-port.ts'
import { type Dispute, ownerOn, type Side, stakesOf } from '../../disputes/dispute.ts'
import type { DisputeBook } from './dispute-book.ts'
import * as refusals from './refusals.ts'

interface PledgingParts {
  ledger: LedgerReport | null
  lane: TurnLane
  isEnforced: boolean
}

type Filed = Pick<Dispute, 'id' | 'task' | 'tenant' | 'operator'>

export class Pledging {
  constructor(private readonly parts: PledgingParts) {}

  private get pledges(): LedgerReport['pledges'] {
    return this.parts.isEnforced ? (this.parts.ledger?.pledges ?? null) : null
  }

  /** The points that this side has set aside for a hearing, 0 where nobody has to; or why it cannot. */
  set(dispute: Filed, side: Side, hearing: Pledge['hearing']): number | Fault {
    const { pledges } = this
    if (pledges === null) return 0
    const cost = pledges.costOf(dispute.task)
    // Its receipt is not sealed yet.
    if (cost === null) return refusals.noAnswer
    const points = hearingSize * cost * (hearing === 1 ? 1 : appealPledgeFactor)
    return pledges.set(pledgeOf(dispute, side, hearing), points) ?? points
  }

  /** What moves with the end of a dispute. `isTaken`: its answer does not hold. */
  async endOf(dispute: Dispute, isTaken: boolean): Promise<Pick<Verdict, 'pledges' | 'repay'>> {
    const { ledger, lane } = this.parts
    const pledges = ledger?.pledges ?? null
    const stakes = stakesOf(dispute)
    const ended = stakes.map(({ by, hearing, isLost }) => ({ ...pledgeOf(dispute, by, hearing), isLost }))
    if (!isTaken || pledges === null || stakes.length === 0) return { pledges: ended }
    const points = await lane.whole(pledges.spentOn(dispute.task))
    return { pledges: ended, repay: { tenant: dispute.tenant, points } }
  }

  /** The process ended between a pledge and what it was for. */
  giveBackOrphans(book: Pick<DisputeBook, 'find'>): void {
    const { ledger } = this.parts
    for (const pledge of ledger?.pledges?.open() ?? []) {
      const dispute = book.find(pledge.dispute)
      const isKnown = dispute !== undefined && stakesOf(dispute).some(({ hearing }) => hearing === pledge.hearing)
      if (!isKnown) this.giveBack(pledge)
    }
  }

  giveBack(pledge: Pledge): void {
    const { ledger } = this.parts
    ledger?.judge({ id: pledge.dispute, do: 'release', tasks: [], pledges: [{ ...pledge, isLost: false }] })
  }
}

export function pledgeOf(dispute: Filed, side: Side, hearing: Pledge['hearing']): Pledge {
  const { id, task } = dispute
  return { tenant: ownerOn(dispute, side), task, dispute: id, hearing }
}
