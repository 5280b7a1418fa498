/**
 * A consistent copy of the whole database while it is in use. The copy grows beside its final name and takes that name
 * only when it is complete and on the disk; a file that is there already is never touched.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { MaintenanceStore } from '../../engine/ports/store.ts'
import { asStoreError } from './errors.ts'
import type { Statements } from './statements.ts'

export function sqliteBackup(statements: Statements): MaintenanceStore['backup'] {
  const copyInto = statements.keep<never, [string]>('VACUUM INTO ?')
  return (path) => {
    const draft = `${path}.${process.pid}.partial`
    createEmpty(path)
    try {
      rmSync(draft, { force: true })
      createEmpty(draft)
      copyInto.run(draft)
      toDisk(draft)
      renameSync(draft, path)
    } catch (error) {
      rmSync(draft, { force: true })
      rmSync(path, { force: true })
      throw asStoreError(error)
    }
    toDisk(dirname(path))
  }
}

/** Claims a name. The file is readable by its owner alone: it holds what clients asked and were answered. */
function createEmpty(path: string): void {
  closeSync(openSync(path, 'wx', 0o600))
}

function toDisk(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
