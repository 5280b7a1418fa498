/** The scouts that are connected to a hub, in the order in which they came. */
import type { Engine, ScoutStanding } from '../../../orchestrator/engine/ports/client.ts'

const all = 100_000

export function scoutsOf(engine: Pick<Engine, 'scoutsAfter'>): ScoutStanding[] {
  return engine.scoutsAfter(0, all, {})
}
