/**
 * Writes down what the projector has made of the chain, so that a start has little to fold. What was touched is set
 * apart about once a minute, or when much of it has gathered, and written in portions that ride along with what is
 * sealed anyway; the snapshot has moved on when all of it is there. Rows that are touched often are so written once in
 * a while, and no turn writes many.
 */
import { foldReceiptsMax, foldRowsMax, foldRowsPerTurn, snapshotEveryMs } from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import type { Projector } from '../../ledger/accounts/projector.ts'
import type { News, Unwritten } from '../../ledger/accounts/unwritten.ts'
import type { Journal } from '../durability/journal.ts'
import type { StoreWriteOf } from '../ports/store.ts'

interface SnapshotParts {
  system: Pick<System, 'nowMs'>
  journal: Pick<Journal, 'trouble' | 'addHere'>
  projector: Projector
  /** Up to which batch the snapshot goes. */
  projected: number
}

export interface SnapshotPace {
  everyMs: number
  rowsPerTurn: number
}

const usualPace: SnapshotPace = { everyMs: snapshotEveryMs, rowsPerTurn: foldRowsPerTurn }

/** What was set apart, and up to which batch it goes. */
interface Round {
  unwritten: Unwritten
  upTo: number
  /** All of it is on its way to the store. */
  isTaken: boolean
  /** Who waits for it. */
  waiting: (() => void)[]
}

export class SnapshotWriter {
  private round: Round | null = null
  /** Sets apart what there is as soon as nothing else is being written. */
  private isWanted = false
  private waiting: (() => void)[] = []
  private projected: number
  private roundMs: number
  /** Receipts that a start would fold again. */
  private receipts = 0

  constructor(
    private readonly parts: SnapshotParts,
    private readonly pace = usualPace,
  ) {
    this.projected = parts.projected
    this.roundMs = parts.system.nowMs()
  }

  /** A batch of so many receipts was folded, or a second has passed: writes a portion when it is time. */
  step(receipts: number): void {
    this.receipts += receipts
    if (this.parts.journal.trouble !== null) return
    this.round ??= this.isDue() ? this.begin() : null
    if (this.round?.isTaken === false) this.write(this.round, this.pace.rowsPerTurn)
  }

  /** Calls `then` once all that is folded by now is in the store. */
  whenWritten(then: () => void): void {
    this.isWanted = true
    this.waiting.push(then)
  }

  /** Up to which batch all of it is written, or on its way to the store. */
  get upTo(): number {
    return this.projected
  }

  /** All that there is, now; for the end of the process. */
  flush(): void {
    if (this.parts.journal.trouble !== null) return
    if (this.round?.isTaken === false) this.write(this.round, Number.POSITIVE_INFINITY)
    this.write(this.begin(), Number.POSITIVE_INFINITY)
  }

  /** What earnings have grown by since they were written: of one scout, or of all. */
  *growth(scout?: string): Iterable<News> {
    if (this.round !== null) yield* this.round.unwritten.growth(scout)
    yield* this.parts.projector.news.growth(scout)
  }

  private isDue(): boolean {
    const { system, projector } = this.parts
    if (this.isWanted) return true
    if (projector.news.rows === 0) return false
    const isOld = system.nowMs() - this.roundMs >= this.pace.everyMs
    return isOld || projector.news.rows >= foldRowsMax || this.receipts >= foldReceiptsMax
  }

  private begin(): Round {
    const { system, projector } = this.parts
    this.roundMs = system.nowMs()
    this.receipts = 0
    this.isWanted = false
    const waiting = this.waiting.splice(0)
    return { unwritten: projector.turnOver(), upTo: projector.end.seq, isTaken: false, waiting }
  }

  private write(round: Round, rowsMax: number): void {
    const { journal, projector } = this.parts
    const { accounts, earnings, seasons, isLast } = round.unwritten.take(rowsMax)
    const from = this.projected
    if (isLast) this.projected = round.upTo
    round.isTaken = isLast
    const write: StoreWriteOf<'fold'> = {
      write: 'fold',
      from,
      to: this.projected,
      balances: accounts.map((account) => ({ account, points: projector.balances.of(account) })),
      balancesUpTo: projector.end.seq,
      earnings,
      earningsUpTo: round.upTo,
      seasons: seasons.map((season) => projector.seasons.get(season)!),
    }
    journal.addHere([write], () => {
      for (const row of earnings) row.isWritten = true
      if (!isLast) return
      if (this.round === round) this.round = null
      for (const then of round.waiting) then()
    })
  }
}
