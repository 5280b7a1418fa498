/**
 * Where a running scout can be found on this machine: a folder that only its user may read, with one socket in it for
 * each scout. `status-socket.ts` listens and asks there; both sides get the folder from here.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

const ownName = 'chasm-scout'
const modeOfOthers = 0o077

/** The folder's path for this user. */
export function stateFolder(env: Environment): string {
  const chosen = (env.SCOUT_STATE_DIR ?? '').trim()
  if (chosen !== '') return resolve(chosen)
  const runtime = (env.XDG_RUNTIME_DIR ?? '').trim()
  return runtime === '' ? join(tmpdir(), `${ownName}-${ownId()}`) : join(runtime, ownName)
}

/** Makes the folder if it is missing. Returns why it cannot be used, as a sentence, or null. */
export function openStateFolder(folder: string): string | null {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    if (!found.isDirectory()) return `${folder} is not a folder: set SCOUT_STATE_DIR to one.`
    if (found.uid !== ownId()) return `${folder} belongs to another user: set SCOUT_STATE_DIR to a folder of your own.`
    if ((found.mode & modeOfOthers) === 0) return null
    return `${folder} is open to other users: run \`chmod 700 ${folder}\`, or set SCOUT_STATE_DIR to another folder.`
  } catch (error) {
    const { code } = error as { code?: string }
    return `${folder} cannot be used (${code}): set SCOUT_STATE_DIR to a folder of your own.`
  }
}

function ownId(): number {
  return process.getuid?.() ?? 0
}
