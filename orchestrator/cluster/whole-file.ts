/**
 * Small files of a hub's data folder that are read within a bound, and written whole or not at all, on the disk when
 * the call is over. What the file system refuses is a sentence.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { resolve } from 'node:path'

export type Flaw = { flaw: string }

/** What a file holds; null when there is none. Throws when it is larger than it can be. */
export function readBounded(path: string, bytesMax: number): Buffer | null {
  if (!existsSync(path)) return null
  if (statSync(path).size > bytesMax) throw new RangeError(`${path} has more than ${bytesMax} bytes`)
  return readFileSync(path)
}

/** `once`: leaves a file that is there. */
export function writeWhole(path: string, text: string, how: 'once' | 'anew'): null {
  const draft = `${path}.${createHash('sha256').update(`${process.pid} ${text}`).digest('hex').slice(0, 8)}`
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true })
    if (how === 'anew') renameSync(draft, path)
    else linkSync(draft, path)
  } catch (error) {
    if (how === 'anew' || (error as { code?: string }).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const directory = openSync(resolve(path, '..'), 'r')
  fsyncSync(directory)
  closeSync(directory)
  return null
}

/** The result, or a sentence where the file system refused. */
export function withFiles<T>(path: string, act: () => T): T | Flaw {
  try {
    return act()
  } catch (error) {
    if (error instanceof RangeError) return { flaw: `${error.message}: it is no file of a hub.` }
    const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
    if (code === undefined) throw error
    return { flaw: `${path} cannot be used (${code}): check its folder and whose it is.` }
  }
}
