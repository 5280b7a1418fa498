/** A file system of a few MiB, for tests of what happens when it is full. Needs the right to mount one. */
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

function mountAt(folder: string, mebibytes: number): boolean {
  if (process.platform !== 'linux') return false
  return succeeds(['mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'chasm-test', folder])
}

function succeeds(command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stdout: 'ignore', stderr: 'ignore' }).success
  } catch {
    return false
  }
}

function tryOnce(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-test-disk-'))
  const mounted = mountAt(folder, 1)
  if (mounted) succeeds(['umount', folder])
  rmdirSync(folder)
  return mounted
}

export const tinyDisk = {
  /** Whether this process may not mount one; then its tests are skipped. */
  missing: !tryOnce(),
  /** An empty disk for one test, gone after it. */
  mount(mebibytes: number): string {
    const folder = mkdtempSync(join(tmpdir(), 'chasm-test-disk-'))
    if (!mountAt(folder, mebibytes)) throw new Error(`${folder} cannot be mounted`)
    onTestFinished(() => {
      succeeds(['umount', folder])
      rmdirSync(folder)
    })
    return folder
  },
}
