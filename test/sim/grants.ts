/** What the tenants of the simulated world have to spend: granted in the first batch of every life. */
import { identityOf } from '../../orchestrator/cluster/roster/identity.ts'
import { clientOf, mint } from '../../orchestrator/ledger/accounts/account.ts'
import { packEvent } from '../../orchestrator/ledger/accounts/events.ts'
import { type Batch, emptyChain } from '../../orchestrator/ledger/receipts/chain.ts'
import { packLeaves } from '../../orchestrator/ledger/receipts/leaf-buffer.ts'
import type { MemoryDisk } from '../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { listedRules, sealLeaves } from '../support/ledger/small-ledger.ts'
import { tenants } from './payers.ts'

/** The same key in every life: what one process has signed is the next one's. */
export const simIdentity = identityOf(new Uint8Array(32).fill(1))

/** More than any life costs: refusals are not what these lives are about. */
const points = 1_000_000_000_000

export const firstBatch: Batch = sealLeaves(
  emptyChain,
  tenants.map((tenant) => packEvent({ type: 'transfer', why: 'grant', from: mint, to: clientOf(tenant), points })),
  { atMs: 0, rulesHash: listedRules().hash, sign: (bytes) => simIdentity.sign(bytes) },
)

export function storeFirstBatch(disk: MemoryDisk): void {
  const { seq, atMs, head, signature } = firstBatch
  const batch = { seq, atMs, head, signature, leaves: packLeaves(firstBatch.leaves).packed }
  memoryStore(disk).commit([{ write: 'batch', batch, tasks: [], earned: [], asked: [] }])
}
