/**
 * The key command: makes a key in the data folder, or lists what is there. It needs no running hub and disturbs none:
 * a hub on the same folder accepts the new key at once. It never revokes, because a running hub would not notice;
 * use the hub's admin route for that. The key goes to standard output alone, so that a script can take it from there.
 */

import { keyRoles } from '../../shared/api-key.ts'
import { loadEnvFile } from '../../shared/env-file.ts'
import { nameCharsMax } from '../../shared/limits/wire.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { Keyring } from '../engine/keyring.ts'
import type { KeyRow } from '../engine/ports/store.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { sqliteFlaw } from '../store/sqlite/errors.ts'

const usage =
  'Usage: npm run -s key -- client|scout|admin [name], or npm run -s key -- list; ' +
  `a name has at most ${nameCharsMax} printable characters, and quotes around it if it has spaces.`

const nextStep = {
  client: 'Give it to an OpenAI client as its API key.',
  scout: 'Give it to a scout as SCOUT_KEY.',
  admin: 'It may see everything and make and revoke keys: keep it close.',
}

process.exitCode = run(process.argv.slice(2))

function run(args: string[]): number {
  const [command, name = command, ...rest] = args
  const role = keyRoles.find((known) => known === command)
  const wanted = role ?? (command === 'list' && args.length === 1 ? 'list' : undefined)
  if (wanted === undefined || rest.length > 0 || !name || !isName(name)) return complain(2, [usage])
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(1, [flaw])
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(1, config)
  const system = realSystem()
  const folder = openDataFolder(config.dataDir, 'guest', system)
  if ('flaw' in folder) return complain(1, [folder.flaw])
  try {
    const keyring = new Keyring(folder.store, folder.pepper, system)
    if (wanted === 'list') {
      process.stdout.write(keyring.list().map(line).join(''))
      return 0
    }
    const { key, row } = keyring.issue(wanted, name)
    process.stdout.write(`${key}\n`)
    process.stderr.write(`${row.id} for the hub of ${config.dataDir}; shown this once. ${nextStep[wanted]}\n`)
    return 0
  } catch (error) {
    return complain(1, [sqliteFlaw(config.dataDir, error)])
  } finally {
    folder.close()
  }
}

function isName(text: string): boolean {
  return text.length <= nameCharsMax && !/\p{C}/u.test(text)
}

function line(row: KeyRow): string {
  const state = row.revokedMs === null ? '' : `  revoked ${day(row.revokedMs)}`
  return `${row.id}  ${row.role.padEnd(6)}  ${day(row.createdMs)}  ${printable(row.name)}${state}\n`
}

/** Names that an older version took may hold what a terminal would carry out. */
function printable(name: string): string {
  return name.replace(/\p{C}/gu, '\ufffd')
}

function day(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10)
}

function complain(exitCode: number, sentences: string[]): number {
  process.stderr.write(sentences.map((sentence) => `${sentence}\n`).join(''))
  return exitCode
}
