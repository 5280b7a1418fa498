/**
 * Where the processes of one hub meet: a folder of sockets that only their user may enter. The data folder names it,
 * for commands that are started beside the hub, and for the next hub on it, which removes what one that was killed has
 * left behind.
 */
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { leftFolderLookEveryMs, leftFolderLooksMax, runFolderSocketsMax } from '../../shared/limits/process.ts'

const prefix = 'chasm-hub-'

/** A path of its own, because the system allows a socket's no more than 107 bytes. */
export function makeRunFolder(): string {
  return mkdtempSync(join(tmpdir(), prefix))
}

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

/**
 * The hub that has locked the data folder meets in this folder from now on; null for a hub of one process. What another
 * one had is left behind, since that had the lock before.
 */
export function noteRunFolder(dataDir: string, runDir: string | null): void {
  const left = runFolderOf(dataDir)
  if (left !== undefined && left !== runDir) void removeOnceEnded(left)
  if (runDir !== null) writeFileSync(notePath(dataDir), `${runDir}\n`, { mode: 0o600 })
  else if (left !== undefined) forgetRunFolder(dataDir)
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

/** Edges of a hub that was killed live on while they have something to finish: its folder goes when they have ended. */
async function removeOnceEnded(runDir: string): Promise<void> {
  for (let looks = 0; looks < leftFolderLooksMax; looks++) {
    if ((await removeLeftFolder(runDir)) || !existsSync(runDir)) return
    await new Promise<void>((resolve) => setTimeout(resolve, leftFolderLookEveryMs).unref())
  }
}

/**
 * Removes a folder of sockets that a hub has left behind. A note can name anything: only what `makeRunFolder` has made
 * goes, of this user, with nothing in it but a few sockets, at none of which anybody listens any more. Resolves with
 * whether it is gone.
 */
export async function removeLeftFolder(runDir: string): Promise<boolean> {
  try {
    const folder = lstatSync(runDir)
    const isMade = basename(runDir).startsWith(prefix) && dirname(runDir) === tmpdir()
    if (!isMade || !folder.isDirectory() || folder.uid !== process.getuid?.()) return false
    const paths = readdirSync(runDir).map((name) => join(runDir, name))
    if (paths.length > runFolderSocketsMax || !paths.every((path) => lstatSync(path).isSocket())) return false
    for (const path of paths) if (await isHeard(path)) return false
    for (const path of paths) unlinkSync(path)
    rmdirSync(runDir)
    return true
  } catch {
    // Somebody else has been faster, or has put something into it.
    return false
  }
}

/** Whether a process listens there: the system refuses a connection to the socket of a dead one. */
async function isHeard(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } })
    socket.terminate()
    return true
  } catch {
    return false
  }
}
