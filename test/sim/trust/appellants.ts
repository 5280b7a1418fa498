/**
 * Owners of convicted scouts: now and then one of them appeals, or somebody else does in its place. What the production
 * desk answers passes the checker.
 */

import { notWritable } from '../../../orchestrator/engine/durability/journal.ts'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { TrustWrite } from '../../../orchestrator/engine/ports/trust/trust-store.ts'
import { AppealDesk } from '../../../orchestrator/trust/desk/appeals.ts'
import type { TrustBook } from '../../../orchestrator/trust/desk/trust-book.ts'
import type { Fault } from '../../../shared/faults.ts'
import { every, type System, type Timer } from '../../../shared/system.ts'
import type { Records } from '../checks/trust/records.ts'
import type { Dice } from '../world.ts'

const lookEveryMs = 6_000

interface AppellantParts {
  system: System
  engine: HubEngine
  book: TrustBook
  isEnforced: boolean
  records: Records
  dice: Dice
}

/** Until the timer is cancelled. */
export function appellants({ system, engine, book, isEnforced, records, dice }: AppellantParts): Timer {
  const promise = (write: TrustWrite) =>
    new Promise<Fault | null>((resolve) => {
      engine.journal.promise(
        [write],
        () => resolve(null),
        () => resolve(notWritable),
      )
    })
  const desk = new AppealDesk({ system, book, promise, isEnforced })
  const appeal = async () => {
    const convicted = [...book.list()].filter(({ state }) => state === 'convicted')
    if (convicted.length === 0 || !dice.chance(0.4)) return
    const { scout, model, owner } = dice.pick(convicted)
    const isForeign = dice.chance(0.2)
    const asked = { scout, model, owner: isForeign ? `not-${owner}` : owner }
    records.appealed(asked, isForeign, await desk.appeal(asked))
  }
  return every(system, lookEveryMs, () => void appeal())
}
