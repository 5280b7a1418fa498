/**
 * Where the processes of one hub meet: a folder of sockets that only their user may enter. The data folder names it,
 * for commands that are started beside the hub.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the brain of a hub is reached by its edges, and where its HTTP listener is. */
export function brainPath(runDir: string): string {
  return join(runDir, 'brain.sock')
}

export function brainHttpPath(runDir: string): string {
  return join(runDir, 'http.sock')
}

function notePath(dataDir: string): string {
  return join(dataDir, 'hub.sockets')
}

export function noteRunFolder(dataDir: string, runDir: string): void {
  writeFileSync(notePath(dataDir), `${runDir}\n`, { mode: 0o600 })
}

export function forgetRunFolder(dataDir: string): void {
  rmSync(notePath(dataDir), { force: true })
}

/** Undefined when no hub of several processes was started there. */
export function runFolderOf(dataDir: string): string | undefined {
  try {
    return readFileSync(notePath(dataDir), 'utf8').trim()
  } catch {
    return undefined
  }
}
