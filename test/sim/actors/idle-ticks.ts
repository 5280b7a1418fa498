/**
 * The system of a simulated hub's engine, in which ticks that would find nothing due are not lived through: they are
 * nine of ten events of a life, and change nothing but the time at which the next one is due.
 */
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import { tickMs } from '../../../shared/limits/scheduling.ts'
import type { System } from '../../../shared/system.ts'
import type { Process, World } from '../world.ts'

/** What of the engine's insides stands for a tick that finds nothing. */
interface Inside {
  brain: { tickDueMs: number }
  core: { state: { wheel: { heads: Int32Array; cursor: number } } }
}

export function withoutIdleTicks(world: World, process: Process, engine: () => HubEngine): System {
  const bornMs = world.nowMs - process.nowMs()
  const isIdle = (worldMs: number): boolean => {
    const inside = engine() as unknown as Inside
    const { brain } = inside
    const { wheel } = inside.core.state
    const nowMs = worldMs - bornMs
    const target = Math.floor(nowMs / tickMs)
    for (let slot = wheel.cursor + 1; slot <= target; slot++) {
      if (wheel.heads[slot % wheel.heads.length] !== -1) return false
    }
    // Late ones are how the engine learns that it stood still.
    if (nowMs - brain.tickDueMs >= tickMs) return false
    // All that a tick without anything due leaves behind.
    brain.tickDueMs = nowMs + tickMs
    wheel.cursor = Math.max(wheel.cursor, target)
    return true
  }
  return {
    nowMs: () => process.nowMs(),
    wallMs: () => process.wallMs(),
    after: (delayMs, callback) => {
      return world.arm(process, delayMs, callback, delayMs === tickMs ? { everyMs: tickMs, isIdle } : null)
    },
    soon: (callback) => process.soon(callback),
    randomBytes: (count) => process.randomBytes(count),
    random: () => process.random(),
  }
}
