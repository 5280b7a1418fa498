/**
 * The `.env` of a folder, read and written. Bun reads it by itself when it runs from source; an executable and a
 * person who looks for the reason why it was not read need this. Variables that are set already win. It treats
 * all variables alike, and no error repeats what the file holds.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

export type Variables = Record<string, string>

const fileName = '.env'

/** What `.env` holds; null when there is none; a sentence when there is one that cannot be read. */
export function readEnvFile(folder: string): Variables | string | null {
  const path = join(folder, fileName)
  try {
    return parseEnv(readFileSync(path, 'utf8')) as Variables
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT') return null
    return `${path} cannot be read (${code}): give this user the right to read it, or remove it.`
  }
}

/** Adds the file's variables to `env` where they are not set. Returns the sentence when it cannot be read. */
export function loadEnvFile(folder: string, env: Record<string, string | undefined>): string | null {
  const read = readEnvFile(folder)
  if (typeof read === 'string') return read
  for (const [name, value] of Object.entries(read ?? {})) env[name] ??= value
  return null
}

/** Whether others on this machine may read the keys in it. */
export function isOpenToOthers(folder: string): boolean {
  const found = statSync(join(folder, fileName), { throwIfNoEntry: false })
  return found !== undefined && (found.mode & 0o077) !== 0
}

/** Sets `variables` in the file and leaves its other lines as they are. Only its user may read it from then on. */
export function writeEnvFile(folder: string, variables: Variables): string {
  const path = join(folder, fileName)
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
