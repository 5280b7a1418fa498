/**
 * What the ledger of a data folder is run with: the price list, which lies there as `prices.json` where an operator has
 * put one, the secret of salts and tags, and the identity that signs. A hub whose ledger was signed with another key is
 * refused: it would tell a second story under the same name. The composition root and the season command ask.
 */
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rulesBytesMax } from '../shared/limits/ledger/ledger.ts'
import type { PointsMode } from './engine/ports/ledger/ledger.ts'
import type { LedgerStore } from './engine/ports/ledger/ledger-store.ts'
import { defaultPrices, type Rules, rulesOf } from './ledger/points/rules.ts'

interface Identity {
  readonly key: string
  sign(bytes: Uint8Array): Uint8Array
}

interface Folder {
  dataDir: string
  store: Pick<LedgerStore, 'lastBatch'>
  pepper: Uint8Array
  points: PointsMode
  identity: Identity
}

interface Settings {
  rules: Rules
  mode: PointsMode
  identity: Identity
  secret: Uint8Array
}

export function ledgerSettings({ dataDir, store, pepper, points, identity }: Folder): Settings | { flaw: string } {
  const last = store.lastBatch()
  // The same bytes have the same signature.
  if (last !== undefined && !Buffer.from(identity.sign(last.head)).equals(last.signature)) {
    const problem = `hub.key in ${resolve(dataDir)} is not the key that signed the receipts there`
    return { flaw: `${problem}: restore it from a backup, or move the whole folder away to start anew.` }
  }
  const rules = rulesIn(dataDir)
  if ('flaw' in rules) return rules
  return { rules, mode: points, identity, secret: createHmac('sha256', pepper).update('chasm receipts v1').digest() }
}

/** A folder with receipts and without the key that signed them is no new folder. */
export function missingIdentity(store: Pick<LedgerStore, 'lastBatch'>, found: object | null): { flaw: string } | null {
  if (found !== null || store.lastBatch() === undefined) return null
  return { flaw: 'hub.key is missing, and the receipts of this data folder are signed with it: restore it.' }
}

function rulesIn(dataDir: string): Rules | { flaw: string } {
  const path = join(resolve(dataDir), 'prices.json')
  if (!existsSync(path)) return rulesOf(defaultPrices)
  const prices = statSync(path).size > rulesBytesMax ? null : pricesIn(path)
  const rules = prices === null ? { flaw: 'it is no JSON object of models with two prices each' } : rulesOf(prices)
  return 'flaw' in rules ? { flaw: `${path} is no price list: ${rules.flaw}.` } : rules
}

/** Its rows are looked at by the rules. */
function pricesIn(path: string): Record<string, readonly [number, number]> | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, readonly [number, number]>) : null
  } catch {
    return null
  }
}
