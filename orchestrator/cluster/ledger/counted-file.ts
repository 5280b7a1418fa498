/**
 * What a hub has counted of the ledgers of its network, as a file in its data folder: a start goes on from it, and
 * reads of the log what came since. It can be made again from the log, as far as that goes back, so nothing is lost
 * with it.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { countedBytesMax } from '../../../shared/limits/cluster/ledger.ts'
import type { NetworkLedgerSnapshot } from '../../ledger/network/network-ledger.ts'
import { jsonIn } from '../roster/message.ts'
import { type Flaw, readBounded, withFiles, writeWhole } from '../whole-file.ts'

export interface Counted {
  /** Of this network, hexadecimal. */
  network: string
  /** Up to which number of the log. */
  cursor: number
  /** The last batch of the own chain that was told of. */
  told: number
  ledger: NetworkLedgerSnapshot
}

/** This process wrote it: what is looked at is whether it is a file of this program, and whole. */
const form = z.strictObject({
  network: z.string(),
  cursor: z.int().min(0),
  told: z.int().min(0),
  ledger: z.looseObject({ version: z.literal(1), hubs: z.array(z.any()), agreed: z.array(z.any()) }),
})

/** Null where there is none that can be used. */
export function readCounted(dataDir: string, network: string): Counted | null {
  const bytes = withFiles(pathIn(dataDir), () => readBounded(pathIn(dataDir), countedBytesMax))
  if (bytes === null || 'flaw' in bytes) return null
  const counted = form.safeParse(jsonIn(bytes)).data as unknown as Counted | undefined
  return counted?.network === network ? counted : null
}

export function keepCounted(dataDir: string, counted: Counted): Flaw | null {
  return withFiles(pathIn(dataDir), () => writeWhole(pathIn(dataDir), JSON.stringify(counted), 'anew'))
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'network-ledger.json')
}
