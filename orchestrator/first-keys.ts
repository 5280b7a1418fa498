/**
 * The keys that make a first start work without asking anybody: a client key, made when there is none and shown once,
 * and the key of the scout that a local start brings along. The latter is that scout's own credential, so it lies in
 * the data folder like an SSH key does, readable by its owner alone.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Keyring } from './engine/keyring.ts'

/** A fresh client key if no client ever had one. */
export function firstClientKey(keyring: Keyring): string | undefined {
  if (keyring.list().some((row) => row.role === 'client' && row.generation > 0)) return undefined
  return keyring.issue('client', 'first').key
}

/** The local scout's key; a new one when there is none or the old one no longer opens the door. */
export function localScoutKey(keyring: Keyring, dataDir: string): string {
  const path = join(dataDir, 'local-scout.key')
  if (existsSync(path)) {
    const key = readFileSync(path, 'utf8').trim()
    if (keyring.verify(key).ok) return key
  }
  const { key } = keyring.issue('scout', 'local')
  writeFileSync(path, `${key}\n`, { mode: 0o600 })
  return key
}
