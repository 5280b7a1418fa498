/**
 * When a process of the orchestrator is to end, and how it does: on a signal it stops in order, on a second one at
 * once. Also notices that whoever started it is gone without a signal, as after `kill -9` of npm: nobody could stop the
 * process then. Only below npm: a program that is left behind on purpose has no parent to look after.
 */
import { parentLookMs, signalEchoMs } from '../shared/limits/process.ts'
import type { System } from '../shared/system.ts'
import type { Logger } from './log.ts'

interface Watched {
  system: System
  /** Who started this process, asked before anything else was done: it may be gone by the time of the first look. */
  parent: number
  /** The id of the present parent; another one's once it has died. */
  parentOf: () => number
  onGone: () => void
}

/** Calls `onGone` once, within two looks. */
export function watchParent({ system, parent, parentOf, onGone }: Watched): void {
  const look = () => {
    if (parentOf() !== parent) onGone()
    else system.after(parentLookMs, look)
  }
  system.after(parentLookMs, look)
}

export function isBelowNpm(env: Readonly<Record<string, string | undefined>>): boolean {
  return env.npm_lifecycle_event !== undefined && env.npm_lifecycle_event !== ''
}

/** Calls `stop` at the first signal; a second one ends the process with exit code 1. Returns what a signal calls. */
export function stopWhenAsked(log: Logger, stop: () => void): () => void {
  let askedMs: number | null = null
  const signal = () => {
    const nowMs = performance.now()
    // One Ctrl-C may come twice: from the terminal and again through the process that started this one.
    if (askedMs !== null && nowMs - askedMs < signalEchoMs) return
    if (askedMs !== null) process.exit(1)
    askedMs = nowMs
    log.info('stopping: taking no new work, finishing what is under way; a second signal stops at once')
    stop()
  }
  process.on('SIGINT', signal)
  process.on('SIGTERM', signal)
  // Without its supervisor it would live on unseen and hold the port.
  process.on('disconnect', signal)
  return signal
}

/** Ends the process with `code` when it has stopped, with 1 when it could not. */
export function exitAfter(log: Logger, stopped: Promise<void>, code: number): void {
  stopped.then(
    () => process.exit(code),
    (err: unknown) => {
      log.error({ err }, 'stopping failed')
      process.exit(1)
    },
  )
}
