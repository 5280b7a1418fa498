/**
 * Owners of convicted scouts: now and then one of them appeals, or somebody else does in its place. What the production
 * desk answers passes the checker.
 */

import { notWritable } from '../../../orchestrator/engine/durability/journal.ts'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { TrustStore, TrustWrite } from '../../../orchestrator/engine/ports/trust/trust-store.ts'
import { AppealDesk } from '../../../orchestrator/trust/desk/appeals.ts'
import type { TrustBook } from '../../../orchestrator/trust/desk/trust-book.ts'
import type { Fault } from '../../../shared/faults.ts'
import { trustRecordsMax } from '../../../shared/limits/trust/audits.ts'
import { every, type System, type Timer } from '../../../shared/system.ts'
import type { Records } from '../checks/trust/records.ts'
import type { Dice } from '../world.ts'

const lookEveryMs = 6_000

interface AppellantParts {
  system: System
  engine: HubEngine
  book: TrustBook
  store: Pick<TrustStore, 'trustRows'>
  isEnforced: boolean
  records: Records
  dice: Dice
}

/** Until the timer is cancelled. */
export function appellants({ system, engine, book, store, isEnforced, records, dice }: AppellantParts): Timer {
  const promise = (write: TrustWrite) =>
    new Promise<Fault | null>((resolve) => {
      engine.journal.promise(
        [write],
        () => resolve(null),
        () => resolve(notWritable),
      )
    })
  const commit = (write: TrustWrite) => new Promise<void>((resolve) => engine.journal.addHere([write], resolve))
  const desk = new AppealDesk({ system, book, promise, commit, isEnforced })
  const isStored = ({ scout, model }: { scout: string; model: string }) =>
    store
      .trustRows(trustRecordsMax)
      .some((row) => row.scout === scout && row.model === model && row.record.includes('"appeal":'))
  const appeal = async () => {
    const convicted = [...book.list()].filter(({ state }) => state === 'convicted')
    if (convicted.length === 0 || !dice.chance(0.4)) return
    const { scout, model, owner } = dice.pick(convicted)
    const isForeign = dice.chance(0.2)
    const asked = { scout, model, owner: isForeign ? `not-${owner}` : owner }
    const told = await desk.appeal(asked)
    records.appealed(asked, isForeign, told, isStored(asked))
  }
  return every(system, lookEveryMs, () => void appeal())
}
