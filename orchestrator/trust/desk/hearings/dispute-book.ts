/**
 * Disputes in memory: those that are not over whole, and of the newest ones what is counted of each. Every change goes
 * to the store under the condition that nothing else changed it. Loaded at the start; older ones are read from the
 * store when somebody asks for them.
 */

import type { Fault } from '../../../../shared/faults.ts'
import { disputesKnownMax, disputesLiveMax } from '../../../../shared/limits/trust/disputes.ts'
import type { AccountWrite } from '../../../engine/ports/account-store.ts'
import type { DisputeRow, DisputeStore, DisputeWrite } from '../../../engine/ports/trust/dispute-store.ts'
import { type Dispute, loserOf, type Side, verdictOf } from '../../disputes/dispute.ts'
import type { Counted } from '../../disputes/quotas.ts'
import { isDecided } from '../../disputes/states.ts'
import { type DisputeTexts, packTexts, unpackTexts } from '../../disputes/texts.ts'

/** A dispute goes on, or begins; and what an administrator does leaves a row in the audit log. */
export type DisputeDeskWrite = DisputeWrite | Extract<AccountWrite, { write: 'audit' }>

interface BookParts {
  store: DisputeStore
  /** Resolves after the commit of all; while the store is in trouble it waits. */
  write: (...writes: DisputeDeskWrite[]) => Promise<void>
  /** The same of what nothing rests on yet; resolves with null after the commit, or with why there was none. */
  promise: (write: DisputeWrite) => Promise<Fault | null>
}

interface Known extends Counted {
  id: string
}

export class DisputeBook {
  private readonly live = new Map<string, Dispute>()
  /** Tasks whose disputes are being written. */
  private readonly filing = new Set<number>()
  /** Newest first. */
  private known: Known[]
  /** The hub has stopped: nothing changes any more. */
  private isOver = false

  constructor(private readonly parts: BookParts) {
    const { store } = parts
    this.known = store.disputes(disputesKnownMax).map((row) => countedOf(disputeIn(row)))
    for (const row of store.openDisputes(disputesLiveMax)) this.live.set(row.id, disputeIn(row))
    // What follows from these has not been done: the process ended between.
    for (const row of store.disputes(disputesLiveMax)) {
      const dispute = disputeIn(row)
      if (!dispute.isSettled) this.live.set(row.id, dispute)
    }
  }

  end(): void {
    this.isOver = true
  }

  get isFull(): boolean {
    return this.live.size >= disputesLiveMax
  }

  /** Those that are not over, in no order. */
  all(): Iterable<Dispute> {
    return this.live.values()
  }

  counted(): readonly Counted[] {
    return this.known
  }

  find(id: string): Dispute | undefined {
    const live = this.live.get(id)
    if (live !== undefined) return live
    const row = this.parts.store.dispute(id)
    return row && disputeIn(row)
  }

  isDisputed(task: number): boolean {
    for (const { task: known } of this.live.values()) if (known === task) return true
    return this.filing.has(task) || this.parts.store.disputeOf(task) !== undefined
  }

  /** Newest first. */
  *of(side: Side, owner: string): Iterable<Dispute> {
    for (const one of this.known) {
      if ((side === 'client' ? one.tenant : one.operator) !== owner) continue
      const dispute = this.find(one.id)
      if (dispute !== undefined) yield dispute
    }
  }

  /** Those of which one side has appealed, newest first. */
  *appealed(): Iterable<Dispute> {
    for (const { id, appeal } of this.known) {
      const dispute = appeal === null ? undefined : this.find(id)
      if (dispute !== undefined) yield dispute
    }
  }

  async add(dispute: Dispute, texts: DisputeTexts): Promise<Fault | null> {
    // It counts from now on, so that nobody files it twice meanwhile; nothing is done with it before it is kept.
    this.filing.add(dispute.task)
    this.known.unshift(countedOf(dispute))
    if (this.known.length > disputesKnownMax) this.known.pop()
    const { state, verdict, changedMs, record } = rowOf(dispute)
    const { id, task, tenant, operator, filedMs } = dispute
    const row = { id, task, tenant, operator, state, verdict, filedMs, changedMs, record }
    const trouble = await this.parts.promise({ write: 'dispute', row, texts: packTexts(texts) })
    this.filing.delete(task)
    if (trouble === null) this.live.set(id, dispute)
    else this.known = this.known.filter((one) => one.id !== id)
    return trouble
  }

  /** A change of a dispute; `texts` replaces its texts, null removes them. Resolves after the commit. */
  change(dispute: Dispute, work: () => void, texts?: DisputeTexts | null): Promise<void> {
    const alone = () => {
      work()
      return []
    }
    return this.changeWith(dispute, alone, texts)
  }

  /** The same with what `work` gives back, in one commit. */
  changeWith(dispute: Dispute, work: () => DisputeDeskWrite[], texts?: DisputeTexts | null): Promise<void> {
    if (this.isOver) return Promise.resolve()
    const from = dispute.state
    const beside = work()
    const { id } = dispute
    const kept = texts === undefined ? {} : { texts: texts === null ? null : packTexts(texts) }
    const at = this.known.findIndex((one) => one.id === id)
    if (at >= 0) this.known[at] = countedOf(dispute)
    const moved = { write: 'disputeMove', id, from, to: rowOf(dispute), ...kept } as const
    const written = this.parts.write(moved, ...beside)
    const isOver = dispute.state === 'final' && dispute.isSettled
    // Until then the store would show it as it was.
    return isOver ? written.then(() => void this.live.delete(id)) : written
  }

  texts(id: string): DisputeTexts | undefined {
    const bytes = this.parts.store.disputeTexts(id)
    return bytes && unpackTexts(bytes)
  }
}

function disputeIn({ record }: DisputeRow): Dispute {
  return JSON.parse(record) as Dispute
}

function rowOf(dispute: Dispute): Pick<DisputeRow, 'state' | 'verdict' | 'changedMs' | 'record'> {
  const { state, sinceMs } = dispute
  return { state, verdict: verdictOf(dispute), changedMs: Math.floor(sinceMs), record: JSON.stringify(dispute) }
}

function countedOf(dispute: Dispute): Known {
  const { id, tenant, operator, filedMs, state, sinceMs, appeal } = dispute
  const isOpen = state !== 'final' && !isDecided(state)
  return { id, tenant, operator, filedMs, isOpen, loser: isOpen ? null : loserOf(dispute), endedMs: sinceMs, appeal }
}
