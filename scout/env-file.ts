/**
 * The `.env` of a folder, written for a person who answers `init`, and who else may read it. What such a file means is
 * `shared/env-file.ts`'s, which reads back what is written here.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { envFileName, type Variables } from '../shared/env-file.ts'

/** Whether others on this machine may read the keys in it. */
export function isOpenToOthers(folder: string): boolean {
  const found = statSync(join(folder, envFileName), { throwIfNoEntry: false })
  return found !== undefined && (found.mode & 0o077) !== 0
}

/** Sets `variables` in the file and leaves its other lines as they are. Only its user may read it from then on. */
export function writeEnvFile(folder: string, variables: Variables): string {
  const path = join(folder, envFileName)
  const old = existing(path)
  const left = new Map(Object.entries(variables))
  const lines = old.map((line) => {
    const name = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line)?.[1] ?? ''
    const value = left.get(name)
    if (value === undefined) return line
    left.delete(name)
    return assignment(name, value)
  })
  const added = [...left].map(([name, value]) => assignment(name, value))
  const text = `${[...lines, ...added].join('\n')}\n`
  // Written aside and moved, so that no crash leaves half a file and no moment shows it to others.
  const aside = `${path}.new`
  try {
    writeFileSync(aside, text, { mode: 0o600, flag: 'wx' })
    renameSync(aside, path)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') rmSync(aside, { force: true })
    throw error
  }
  return path
}

function existing(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8').replace(/\n+$/, '')
    return text === '' ? [] : text.split('\n')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
}

function assignment(name: string, value: string): string {
  return /^[\w./:@,+-]*$/.test(value) ? `${name}=${value}` : `${name}=${JSON.stringify(value)}`
}
