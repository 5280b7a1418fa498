/**
 * What a hub's ledger is run with, for the hub in one process and for the brain: the identity that signs, which is the
 * one that a network knows the hub by, and what lies in the data folder. Made at the first start with receipts.
 */
import type { System } from '../../shared/system.ts'
import { makeIdentity, readIdentity } from '../cluster/hub-files.ts'
import { seedBytes } from '../cluster/roster/identity.ts'
import type { Config } from '../config.ts'
import type { LedgerSettings } from '../engine/ledger/ledger.ts'
import { ledgerSettings, missingIdentity } from '../ledger-settings.ts'
import type { DataFolder } from '../store/data-folder.ts'

/** Null for a hub that gives no receipts. */
export function openLedger(
  { dataDir, receipts, points }: Config,
  { store, pepper }: Pick<DataFolder, 'store' | 'pepper'>,
  system: System,
): LedgerSettings | { flaw: string } | null {
  if (receipts === 'off') return null
  const flaw = missingIdentity(store, readIdentity(dataDir))
  const identity = flaw ?? makeIdentity(dataDir, system.randomBytes(seedBytes))
  return 'flaw' in identity ? identity : ledgerSettings({ dataDir, points, identity, store, pepper })
}
