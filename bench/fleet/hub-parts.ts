/**
 * The processes of a hub of several, found below the one that looks after them: which is the brain, which are edges,
 * and how one of them is killed. Linux alone tells.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface HubPart {
  pid: number
  role: 'brain' | 'edge'
}

const lookEveryMs = 1
/** In /proc/net/tcp. */
const listening = '0A'
/** In /proc/<pid>/stat: a zombie, and one that is being removed. */
const endedStates = 'ZX'

/** Of the process that has started them; of one hub, where that has started several: those that name its folder. */
export function partsOf(pid: number, folder?: string): HubPart[] {
  const found: HubPart[] = []
  for (const child of childrenOf(pid)) {
    const words = read(`/proc/${child}/cmdline`).split('\0')
    const role = (['brain', 'edge'] as const).find((one) => words.includes(one))
    if (role !== undefined && (folder === undefined || words.includes(folder))) found.push({ pid: child, role })
  }
  return found
}

function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`)
  return text.split(/\s+/).filter(Boolean).map(Number)
}

/** Empty for a process that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Sockets that listen at this port of all addresses. */
export function listenersAt(port: number): number {
  const at = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = read('/proc/net/tcp').split('\n')
  return rows.filter((row) => {
    const [, local = '', , state] = row.trim().split(/\s+/)
    return state === listening && local.endsWith(at)
  }).length
}

/**
 * Whether a process has not ended yet. One that has is listed until whoever started it, or init, asks for its end. Its
 * first thread is shown as ended before the others are, and its sockets are open as long as any of them is.
 */
export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`)
  // The name in brackets may hold anything.
  return stat !== '' && (!endedStates.includes(stat.charAt(stat.lastIndexOf(')') + 2)) || threadsOf(pid) > 1)
}

/** How many are listed: none of a process that is gone. */
function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

/** Resolves once the process has ended. */
export async function killed(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
  while (isRunning(pid)) await Bun.sleep(lookEveryMs)
}
