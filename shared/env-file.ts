/**
 * The `.env` of a folder, read as both sides read it: literally, whatever the runtime would make of it. Nothing in a
 * value is expanded, so that a `$` in a key stays one, and only quotes around a whole value are taken off. Variables
 * that are set already win. No error repeats what the file holds.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export type Variables = Record<string, string>
type Environment = Record<string, string | undefined>

export const envFileName = '.env'

/** What the text of a file sets. A later line of the same name wins. */
export function parseEnvText(text: string): Variables {
  const variables: Variables = {}
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n|\r/)) {
    const [, name, rest] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) variables[name] = literal(rest ?? '')
  }
  return variables
}

/** Quoted: what is between the quotes, with `\"`, `\\` and `\n` in double ones. Else all up to a ` #`. */
function literal(text: string): string {
  const quoted = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|`([^`]*)`)\s*(?:#.*)?$/.exec(text)
  if (quoted === null) return text.replace(/(^|\s)#.*$/, '').trim()
  const [, double, single, backtick] = quoted
  if (double === undefined) return single ?? backtick ?? ''
  return double.replace(/\\(["\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char))
}

/** What `.env` holds; null when there is none; a sentence when there is one that cannot be read. */
export function readEnvFile(folder: string): Variables | string | null {
  const path = join(folder, envFileName)
  try {
    return parseEnvText(readFileSync(path, 'utf8'))
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT') return null
    return `${path} cannot be read (${code}): give this user the right to read it, or remove it.`
  }
}

/**
 * Adds the file's variables to `env` where they are not set. A runtime that was started without the option that forbids
 * it has read the file first, in its own way: what comes from it is no person's word. Returns the sentence when the
 * file cannot be read.
 */
export function loadEnvFile(folder: string, env: Environment, runtimeReads = readByRuntime): string | null {
  const read = readEnvFile(folder)
  if (typeof read === 'string') return read
  const other = Object.entries(read ?? {}).filter(([name, value]) => env[name] !== undefined && env[name] !== value)
  const unexpected = other.length === 0 ? {} : runtimeReads(folder, without(env, Object.keys(read ?? {})))
  for (const [name, value] of Object.entries(read ?? {})) {
    if (env[name] === undefined || env[name] === unexpected[name]) env[name] = value
  }
  return null
}

function without(env: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)))
}

/** A start of the runtime that only prints its environment; a few hundredths of a second. */
const printsEnvironment = ['-e', 'process.stdout.write(JSON.stringify(process.env))']
const runtimeMs = 10_000

/**
 * What the runtime makes of the file in this environment, asked of the runtime itself, since only it knows exactly.
 * Nothing where it has not read the file: an executable never does, and the option says so.
 */
function readByRuntime(folder: string, env: Environment): Environment {
  if (Bun.isStandaloneExecutable || process.execArgv.includes('--no-env-file')) return {}
  const path = resolve(folder, envFileName)
  const options = { env, cwd: '/', encoding: 'utf8', timeout: runtimeMs } as const
  const { stdout, status } = spawnSync(process.execPath, [`--env-file=${path}`, ...printsEnvironment], options)
  try {
    return status === 0 ? (JSON.parse(stdout) as Environment) : {}
  } catch {
    // It printed something else: then what is set counts as set.
    return {}
  }
}

/** What is wrong with a value that was pasted with its quotes; null when nothing is. */
export function quoteFlaw(variable: string, value: string): string | null {
  if (!/^["'`\u2018-\u201f\u00ab]|["'`\u2018-\u201f\u00bb]$/.test(value)) return null
  return `${variable} begins or ends with a quote: write it without quotes, which were taken as a part of it.`
}

/** The same for what is one word, as keys and addresses are: no quotes around it and no spaces in it. */
export function pastedFlaw(variable: string, value: string): string | null {
  const flaw = quoteFlaw(variable, value)
  if (flaw !== null) return flaw
  return /\s/.test(value) ? `${variable} has a space or a line break in it: write it as one word.` : null
}
