/**
 * Notices that whoever started this process is gone without a signal, as after `kill -9` of npm: nobody could stop the
 * process then. Only below npm: a program that is left behind on purpose has no parent to look after.
 */
import { parentLookMs } from '../shared/limits/process.ts'
import type { System } from '../shared/system.ts'

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
