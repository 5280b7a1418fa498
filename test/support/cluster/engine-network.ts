/**
 * Hubs of one network without sockets and servers: real engines and real networks over the models of bus and log, under
 * one clock that the test moves. A hub can die at any moment: nothing of it runs any more, and its disk stays.
 */
import { onTestFinished } from 'vitest'
import { type Network, openNetworkOver } from '../../../orchestrator/cluster/network.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import type { CoreSettings } from '../../../orchestrator/core/settings.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { ManualSystem } from '../clocks/manual-system.ts'
import { MortalSystem } from '../clocks/mortal-system.ts'
import { FickleDisk, IntentsBench } from '../hub/intents-stage.ts'
import { ledgerOf } from '../ledger/small-ledger.ts'
import { BusModel, type ModelBus } from './model-bus.ts'
import { LogModel, type ModelLog } from './model-log.ts'
import { folderOf, good, networkOf, type TestHub, testHub } from './network.ts'

const deafSession = { receive() {}, closed() {} }
const silent = { info() {}, warn() {}, error() {} }

export class EngineHub {
  readonly bench: IntentsBench
  readonly network: Network
  readonly bus: ModelBus
  readonly log: ModelLog
  private readonly system: MortalSystem

  constructor(
    private readonly stage: EngineNetwork,
    readonly hub: TestHub,
    readonly dataDir: string,
    readonly fickle: FickleDisk,
  ) {
    this.system = new MortalSystem(stage.system, stage.aheadMs(hub.name))
    this.bus = stage.buses.connect()
    this.log = stage.logs.connect(() => this.system.isDead)
    const servers = { bus: this.bus, shared: this.log, keys: this.log, use: this.log, ledger: this.log }
    const parts = { system: this.system, log: silent, copies: memoryStore() }
    this.network = good(openNetworkOver(() => servers, { dataDir, roster: null }, parts))
    const store = fickle.open()
    const epoch = store.nextEpoch()
    this.bench = new IntentsBench(fickle, stage.settings, epoch, store, null, {
      system: this.system,
      taskEpoch: this.network.taskEpoch(epoch),
      ledger: ledgerOf(hub.identity),
      prepare: (engine) => this.network.share(engine),
    })
    const { engine } = this.bench
    this.network.start({
      localFleet: () => engine.localFleet(),
      submit: (submission) => engine.submit(submission),
      openPeer: () => deafSession,
    })
  }

  /** Apart from every other hub and from the log; or back. */
  cut(isCut: boolean): void {
    this.bus.cut(isCut)
    this.log.cut(isCut)
  }

  /** Its process is no more. */
  die(): void {
    this.system.isDead = true
    this.bus.cut(true)
    this.log.cut(true)
    this.stage.hubs.delete(this.hub.name)
  }

  /** Another process on the same disk. */
  restart(): EngineHub {
    if (!this.system.isDead) this.die()
    return this.stage.add(this.hub, this.dataDir, this.fickle)
  }
}

export class EngineNetwork {
  readonly system: ManualSystem
  readonly buses: BusModel
  readonly logs: LogModel
  readonly hubs = new Map<string, EngineHub>()
  readonly chain: RosterChain

  constructor(
    names: readonly string[],
    readonly settings: Partial<CoreSettings> = {},
    system = new ManualSystem(),
    readonly aheadMs: (name: string) => number = () => 0,
  ) {
    this.system = system
    this.buses = new BusModel(system)
    this.logs = new LogModel(system)
    const hubs = names.map((name, at) => testHub(name, at + 1))
    this.chain = networkOf(hubs)
    for (const hub of hubs) this.add(hub, folderOf(hub, this.chain), new FickleDisk())
    onTestFinished(async () => {
      for (const { network } of this.hubs.values()) await network.stop()
    })
  }

  add(hub: TestHub, dataDir: string, fickle: FickleDisk): EngineHub {
    const made = new EngineHub(this, hub, dataDir, fickle)
    this.hubs.set(hub.name, made)
    return made
  }

  hub(name: string): EngineHub {
    return this.hubs.get(name)!
  }

  /** Time passes, and what was promised meanwhile is done. */
  async pass(durationMs: number): Promise<void> {
    const stepMs = 100
    for (let left = durationMs; left >= 0; left -= stepMs) {
      for (let turns = 0; turns < turnsPerStep; turns++) {
        this.system.pass(0)
        await nextTurn()
      }
      this.system.pass(Math.min(stepMs, left))
    }
  }

  /** Time passes until it is so. */
  async until(what: string, met: () => boolean, patienceMs = 120_000): Promise<void> {
    for (let passed = 0; !met(); passed += 100) {
      if (passed > patienceMs) throw new Error(`${patienceMs} ms passed in vain for ${what}`)
      await this.pass(100)
    }
  }
}

/** Questions that one promise may ask after another without any time between them. */
const turnsPerStep = 8

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
