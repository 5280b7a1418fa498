/** An engine whose clients spend points: what they begin with, and its processes, one behind the other on one store. */
import { identityOf } from '../../../orchestrator/cluster/roster/identity.ts'
import type { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import { clientOf, mint } from '../../../orchestrator/ledger/accounts/account.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { EngineBench } from '../hub/engine-bench.ts'
import { ledgerOf } from './small-ledger.ts'

export class SpendingBench {
  readonly store = memoryStore()
  bench!: EngineBench

  constructor(grants: Record<string, number> = { tenant: 1_000_000 }) {
    for (const [tenant, points] of Object.entries(grants)) {
      const event = { type: 'transfer', why: 'grant', from: mint, to: clientOf(tenant), points }
      this.store.commit([{ write: 'askLedger', event: JSON.stringify(event) }])
    }
    this.boot()
  }

  /** A process of the hub: the first one, or the one behind a death. */
  boot(): void {
    const ledger = { ...ledgerOf(identityOf(new Uint8Array(32).fill(1))), mode: 'spend' as const }
    this.bench = new EngineBench({}, this.store, 3, null, { ledger })
    // Also nobody waits for models of earlier scouts any more.
    this.bench.system.pass(6_000)
  }

  get ledger(): Ledger {
    return this.bench.engine.ledger as Ledger
  }
}
