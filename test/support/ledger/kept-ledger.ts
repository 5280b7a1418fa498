/** A hub's ledger on a disk in memory, whose clock a test moves: what is due by the calendar happens as it passes. */
import { identityOf } from '../../../orchestrator/cluster/roster/identity.ts'
import { Journal } from '../../../orchestrator/engine/durability/journal.ts'
import { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import type { Store } from '../../../orchestrator/engine/ports/store.ts'
import { firstLine, rulesLine, wholeBatchLine } from '../../../orchestrator/ledger/receipts/export-file.ts'
import { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { TurnLane } from '../../../shared/turn-lane.ts'
import { ManualSystem } from '../clocks/manual-system.ts'
import { type Worked, workOf } from './past-work.ts'
import { dayMs, ledgerOf } from './small-ledger.ts'

const twoOwners = { ownersOf: () => 2, isOfferedBy: () => false, models: () => [] }
const identity = identityOf(new Uint8Array(32).fill(7))
const upkeepMs = dayMs / 24

export class KeptLedger {
  readonly system = new ManualSystem()
  readonly disk = new MemoryDisk()
  store!: Store
  ledger!: Ledger
  private task = 0

  constructor() {
    this.start()
  }

  /** A process of the hub: the first one, or the one behind a death. */
  start(): void {
    const { system } = this
    this.store = memoryStore(this.disk)
    const contain = (work: () => void) => work()
    const journal = new Journal(this.store, system, () => {}, contain)
    const trust = { isTrusted: () => true, isConvicted: () => false, convictedMs: () => null }
    const parts = { system, store: this.store, journal, lane: new TurnLane(system), contain, market: twoOwners }
    this.ledger = new Ledger({ ...ledgerOf(identity), ...parts })
    this.ledger.judgedBy(trust)
    this.ledger.start()
    system.pass(0)
  }

  /** The number of the task. */
  work(worked: Worked): number {
    this.task++
    this.ledger.worked(workOf(this.task, worked))
    return this.task
  }

  /** Time passes, with a look at the calendar every hour. */
  pass(durationMs: number): void {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= upkeepMs) {
      this.system.pass(Math.min(upkeepMs, leftMs))
      this.ledger.tick()
      this.system.pass(0)
    }
  }

  passUntil(wallMs: number): void {
    this.pass(wallMs - this.system.wallMs())
  }

  /** The chain as it is exported. */
  file(): string {
    const { ledger } = this
    const lines = ledger.batchesAfter(0, 9_999).map(wholeBatchLine)
    return firstLine(ledger.hub) + rulesLine(ledgerOf(identity).rules.text) + lines.join('')
  }
}
