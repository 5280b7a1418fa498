/** Three hubs of one network that tell of their ledgers over the model of the log, and what tests ask of them. */
import { packOf } from '../../../orchestrator/cluster/ledger/pack.ts'
import { partsOf } from '../../../orchestrator/cluster/ledger/told.ts'
import type { Batch } from '../../../orchestrator/ledger/receipts/chain.ts'
import { packLeaves } from '../../../orchestrator/ledger/receipts/leaf-buffer.ts'
import { ledgerLookMs } from '../../../shared/limits/cluster/ledger.ts'
import { type LedgerHub, LedgerNetworkStage, prefix } from './ledger-network.ts'

export const names = ['alpha', 'beta', 'gamma']
/** Of `receiptOf`. */
export const worth = 920
export const ant = 'key_ant'
/** One hub tells of it, and the others read that. */
export const looksMs = 3 * ledgerLookMs

export async function network() {
  const stage = new LedgerNetworkStage(names)
  const [a, b, c] = names.map((name) => stage.hub(name)) as [LedgerHub, LedgerHub, LedgerHub]
  await stage.pass(0)
  const now = () => stage.system.wallMs()
  /** Appends what a hub signed, as the hub itself would. */
  const tell = (hub: LedgerHub, batch: Pick<Batch, 'head' | 'signature' | 'leaves'>, as = hub) => {
    const subject = `${prefix}.ledger.${as.name}`
    const { isDeflated, bytes } = packOf([{ ...batch, leaves: packLeaves(batch.leaves).packed }])
    const parts = partsOf(isDeflated ? 'deflated' : 'batches', 1, bytes)
    for (const part of parts) put(subject, stage.signed(hub.hub, subject, part))
  }
  const put = (subject: string, message: Uint8Array) => {
    stage.logs.append(subject, message, stage.logs.lastOf(subject))
  }
  const points = () => [a, b, c].map((hub) => hub.pointsOf(ant))
  return { stage, a, b, c, now, tell, put, points }
}

/** What a hub says of another one. */
export function ledgerOf(hub: LedgerHub, name: string) {
  return hub.sharing.hubs().find((one) => one.name === name)!
}
