/**
 * Puts together who judges answers: the trust desk, which audits scouts, and the dispute desk, which hears clients.
 * Both work beside the engine and end with it.
 */
import type { Fault } from '../../shared/faults.ts'
import type { System } from '../../shared/system.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import type { Config } from '../config.ts'
import { notWritable } from '../engine/durability/journal.ts'
import type { HubEngine } from '../engine/engine.ts'
import type { Keyring } from '../engine/keyring.ts'
import type { Store, StoreWrite } from '../engine/ports/store.ts'
import type { Rules } from '../ledger/points/rules.ts'
import { paidPrice, pointsOf } from '../ledger/points/work.ts'
import { AppealDesk } from '../trust/desk/appeals.ts'
import { defaultTrustSettings, type TrustSettings } from '../trust/desk/parts.ts'
import { DisputeDesk } from '../trust/dispute-desk.ts'
import { TrustDesk } from '../trust/trust-desk.ts'

interface TrustNeeds {
  config: Pick<Config, 'trust' | 'auditMicroDollars'>
  /** By whose rules audits are priced; null where the hub has no price list. */
  ledger: { rules: Rules } | null
  /** What tests set differently. */
  changes: Partial<TrustSettings> | undefined
  engine: HubEngine
  keyring: Keyring
  store: Store
  system: System
}

/** Who audits the answers of scouts; null where nobody does, and then nobody hears disputes either. */
export function openTrust({ config, ledger, changes, engine, keyring, store, system }: TrustNeeds): TrustDesk | null {
  if (config.trust === 'off') return null
  const { auditMicroDollars: perDay } = config
  const costOf = (model: string, prompt: number, answer: number) =>
    pointsOf(paidPrice(ledger!.rules, model), prompt, answer)
  const money = perDay === null || ledger === null ? null : { perDay, costOf }
  const settings = { ...defaultTrustSettings, isEnforced: config.trust === 'enforce', money, ...changes }
  const { journal } = engine
  const keep = (write: StoreWrite, then?: () => void) =>
    then === undefined ? journal.lazily(write) : journal.addHere([write], then)
  const desk = new TrustDesk({ system, engine, store, keep, settings })
  engine.watchedBy(desk)
  desk.start()
  const promise = (write: StoreWrite) =>
    new Promise<Fault | null>((resolve) => {
      journal.promise(
        [write],
        () => resolve(null),
        () => resolve(notWritable),
      )
    })
  const commit = (write: StoreWrite) => new Promise<void>((resolve) => journal.addHere([write], resolve))
  engine.appeals = new AppealDesk({ system, promise, commit, book: desk.book, isEnforced: settings.isEnforced })
  const disputes = new DisputeDesk({
    ...{ system, engine, keyring, store, settings, ledger: engine.ledger },
    trust: desk.book,
    lane: new TurnLane(system),
    settledTasks: () => desk.settledTasks,
    write: (...writes) => new Promise((resolve) => journal.add(writes, () => resolve())),
    promise,
  })
  engine.disputes = disputes
  disputes.start()
  return desk
}
