/** A `System` whose time runs faster than the real one, for hubs whose rhythm is too slow to wait for. */
import { realSystem, type System } from '../../../shared/system.ts'

export function hastySystem(haste: number): System {
  const real = realSystem()
  return {
    ...real,
    nowMs: () => real.nowMs() * haste,
    after: (delayMs, callback) => real.after(delayMs / haste, callback),
  }
}
