/**
 * A consistent copy of the whole database while it is in use. The copy grows beside its final name and takes that name
 * only when it is complete and on the disk; a file that is there already is never touched. What a copy that was killed
 * left behind is removed by the next one to the same name. Beside a running hub it goes to the disk while it is
 * written, and it folds in itself what of the hub's log had to wait for it: neither the disk nor the hub has that at
 * once.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { MaintenanceStore } from '../../../engine/ports/store.ts'
import { asStoreError } from '../errors.ts'
import type { Statements } from '../statements.ts'
import { SteadyFlush } from './steady-flush.ts'

/** `flushing`: begins to bring the file at a path to the disk. */
export function sqliteBackup(
  statements: Statements,
  flushing = (path: string): Pick<SteadyFlush, 'end'> => new SteadyFlush(path),
): MaintenanceStore['backup'] {
  const copyInto = statements.keep<never, [string]>('VACUUM INTO ?')
  const fold = statements.keep<unknown, []>('PRAGMA wal_checkpoint(PASSIVE)')
  return (path) => {
    if (existsSync(path)) throw new Error(`there is a file at ${path} already`)
    const draft = `${path}.${process.pid}.partial`
    removeLeftOvers(path)
    try {
      // For its owner alone from the first byte on: it holds what clients asked and were answered.
      closeSync(openSync(draft, 'wx', 0o600))
      const flush = flushing(draft)
      try {
        copyInto.run(draft)
        // The hub could not while all of it was being read, and would hold its loop for what has come together.
        fold.all()
      } finally {
        flush.end()
      }
      toDisk(draft)
      takeName(draft, path)
    } catch (error) {
      throw asStoreError(error)
    } finally {
      for (const end of ['', '-journal']) rmSync(draft + end, { force: true })
    }
    toDisk(dirname(path))
  }
}

/** Never replaces a file, also not one that has just come; where names cannot be linked, as far as one can see. */
function takeName(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' || existsSync(path)) throw error
    renameSync(draft, path)
  }
}

/** Drafts of this copy whose process is gone. */
function removeLeftOvers(path: string): void {
  const folder = dirname(path)
  const begin = `${basename(path)}.`
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(begin) ? /^(\d+)\.partial(?:-journal)?$/.exec(name.slice(begin.length))?.[1] : undefined
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function toDisk(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
