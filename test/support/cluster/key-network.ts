/**
 * Hubs of one network as far as keys concern them: stores, keyrings and key sharing over a model of their log, under
 * one clock that the test moves. Each has a pepper of its own.
 */
import { onTestFinished } from 'vitest'
import { KeySharing } from '../../../orchestrator/cluster/keys/key-sharing.ts'
import { sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { Keyring } from '../../../orchestrator/engine/keyring.ts'
import type { Store } from '../../../orchestrator/engine/ports/store.ts'
import { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { ManualSystem } from '../clocks/manual-system.ts'
import { LogModel, type ModelLog } from './model-log.ts'
import { networkOf, type TestHub, testHub } from './network.ts'

export const prefix = 'chasm.test'

export class KeyHub {
  readonly store: Store
  readonly keyring: Keyring
  readonly sharing: KeySharing
  readonly log: ModelLog
  /** Keys that have stopped working here. */
  readonly dropped: string[] = []
  readonly warnings: string[] = []

  constructor(
    stage: KeyNetworkStage,
    readonly hub: TestHub,
    readonly disk: MemoryDisk,
  ) {
    const { system, logs } = stage
    this.store = memoryStore(disk)
    const pepper = new Uint8Array(32).fill(hub.seed[0]!)
    this.keyring = new Keyring(this.store, pepper, system)
    this.keyring.onDropped((id) => this.dropped.push(id))
    this.log = logs.connect()
    const { identity, name } = hub
    const own = { name, boot: 1 }
    const sign = (subject: string, payload: Uint8Array) =>
      sealMessage({ from: own, to: null, epoch: stage.chain.epoch, number: 1 }, subject, payload, identity)
    const membership = {
      ...{ standing: 'member' as const, own, prefix, key: identity.key, sign },
      get chain() {
        return stage.chain
      },
    }
    const report = { warn: (_: object, message: string) => void this.warnings.push(message) }
    const { store, keyring, log } = this
    this.sharing = new KeySharing({ system, log, membership, store, keyring, report })
    this.sharing.start()
  }
}

export class KeyNetworkStage {
  readonly system = new ManualSystem()
  readonly logs = new LogModel(this.system)
  readonly hubs: KeyHub[] = []
  chain: RosterChain

  constructor(names: readonly string[]) {
    const hubs = names.map((name, at) => testHub(name, at + 1))
    this.chain = networkOf(hubs)
    for (const hub of hubs) this.add(hub)
    onTestFinished(() => {
      for (const { sharing } of this.hubs) sharing.stop()
    })
  }

  add(hub: TestHub, disk = new MemoryDisk()): KeyHub {
    const made = new KeyHub(this, hub, disk)
    this.hubs.push(made)
    return made
  }

  /** All follow it. */
  follow(chain: RosterChain): void {
    this.chain = chain
    for (const { sharing } of this.hubs) sharing.followed()
  }

  async pass(durationMs: number): Promise<void> {
    const stepMs = 50
    for (let left = durationMs; left >= 0; left -= stepMs) {
      for (let turns = 0; turns < 8; turns++) {
        this.system.pass(0)
        await new Promise((resolve) => setImmediate(resolve))
      }
      this.system.pass(Math.min(stepMs, left))
    }
  }
}
