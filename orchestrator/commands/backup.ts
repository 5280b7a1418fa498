/**
 * The backup command: writes a copy of the database to a file, beside a running hub or without one, and disturbs
 * neither. The copy is the state of one moment, appears whole or not at all, and never replaces a file. It holds no
 * pepper: that is a file in the data folder that never changes, to be backed up with it.
 */

import { existsSync, statSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { loadEnvFile } from '../../shared/env-file.ts'
import { realSystem } from '../../shared/system.ts'
import { readConfig } from '../config.ts'
import { StoreError } from '../engine/ports/store.ts'
import { databaseIn, openDataFolder } from '../store/data-folder.ts'
import { lockCopying } from '../store/folder-lock.ts'
import { sqliteFlaw } from '../store/sqlite/errors.ts'

const usage = 'Usage: npm run -s backup -- <file>; the file must not exist, and its folder must.'

process.exitCode = run(process.argv.slice(2))

function run(args: string[]): number {
  const [file] = args
  if (!file || args.length > 1 || file.startsWith('-')) return complain(2, [usage])
  const unread = loadEnvFile(process.cwd(), process.env)
  if (unread !== null) return complain(1, [unread])
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(1, config)
  const target = resolve(file)
  const database = databaseIn(config.dataDir)
  const flaw = placeFlaw(target, database)
  if (flaw !== null) return complain(1, [flaw])
  // A hub beside it comes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  const folder = openDataFolder(config.dataDir, 'guest', realSystem())
  if ('flaw' in folder) return complain(1, [folder.flaw])
  const lock = lockCopying(dirname(database))
  try {
    if ('flaw' in lock) return complain(1, [lock.flaw])
    folder.store.backup(target)
    process.stdout.write(`${wroteSentence(target, database)}\n`)
    return 0
  } catch (error) {
    return complain(1, [failedSentence(target, database, error)])
  } finally {
    if ('release' in lock) lock.release()
    folder.close()
  }
}

/** What is wrong with copying `database` to `target`, before anything is opened. */
function placeFlaw(target: string, database: string): string | null {
  if (!existsSync(database)) return `There is nothing to back up: ${database} does not exist; check DATA_DIR.`
  if (existsSync(target)) return `${target} exists already: name a file that does not, nothing is overwritten.`
  if (!existsSync(dirname(target))) return `${dirname(target)} does not exist: make that folder first.`
  return null
}

function wroteSentence(target: string, database: string): string {
  const mebibytes = (statSync(target).size / 1024 / 1024).toFixed(1)
  const pepper = join(dirname(database), 'pepper')
  const beside = `${database}-wal and ${database}-shm and ${database}-state`
  const restoring = `stop the hub, remove ${beside}, and put it in place of ${database}`
  return `Wrote ${target} (${mebibytes} MiB); to restore it, ${restoring}, with ${pepper} beside it as it is now.`
}

function failedSentence(target: string, database: string, error: unknown): string {
  if (error instanceof StoreError) {
    if (error.trouble === 'full') return `${target} does not fit on its disk: free some space there and try again.`
    return `${target} could not be written (${error.message}): try again, or name a file in another folder.`
  }
  const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
  if (code === undefined) return sqliteFlaw(database, error)
  return `${target} could not be written (${code}): name a file in a folder that this user may write to.`
}

function complain(exitCode: number, sentences: string[]): number {
  process.stderr.write(sentences.map((sentence) => `${sentence}\n`).join(''))
  return exitCode
}
