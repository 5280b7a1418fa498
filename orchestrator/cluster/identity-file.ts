/**
 * `hub.key`, the secret of a hub's identity, in its data folder: a network knows the hub by it, and receipts are signed
 * with it, also in a hub by itself, which loads nothing else of networks. It is made once and never replaced.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bytesOfText, type Identity, identityOf, seedBytes } from './roster/identity.ts'
import { type Flaw, readBounded, withFiles, writeWhole } from './whole-file.ts'

const keyFileBytesMax = 64

/** The names of the two files that matter to a person. */
export function hubFilesOf(dataDir: string): { key: string; roster: string } {
  return { key: join(resolve(dataDir), 'hub.key'), roster: join(resolve(dataDir), 'roster.json') }
}

/** The identity that lies in the folder; null where there never was one. */
export function readIdentity(dataDir: string): Identity | Flaw | null {
  const { key: path, roster } = hubFilesOf(dataDir)
  return withFiles(path, () => {
    const text = readBounded(path, keyFileBytesMax)
    if (text === null) {
      if (!existsSync(roster)) return null
      return { flaw: `${path} is missing, and ${roster} knows this hub by it: restore it from a backup.` }
    }
    const isOthersToo = (statSync(path).mode & 0o077) !== 0
    if (isOthersToo) return { flaw: `${path} can be read by others than its owner: run chmod 600 ${path}.` }
    const seed = bytesOfText(text.toString('latin1').trim(), seedBytes)
    return seed === null ? { flaw: `${path} is damaged: restore it from a backup.` } : identityOf(seed)
  })
}

/** The same, or a new one where there never was one. `seed`: 32 strong random bytes. */
export function makeIdentity(dataDir: string, seed: Uint8Array): Identity | Flaw {
  const { key: path } = hubFilesOf(dataDir)
  const found = readIdentity(dataDir)
  if (found !== null) return found
  return withFiles(path, () => {
    mkdirSync(resolve(dataDir), { recursive: true, mode: 0o700 })
    writeWhole(path, `${Buffer.from(seed).toString('base64url')}\n`, 'once')
    // Another process may have made one at the same moment: the file counts.
    return readIdentity(dataDir) ?? { flaw: `${path} vanished while it was made: run the command again.` }
  })
}
