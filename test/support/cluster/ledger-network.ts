/**
 * Hubs of one network as far as their ledgers concern each other: chains that the test seals, and the sharing of
 * ledgers over a model of their log, under one clock that the test moves. A hub can die at any moment; its chain
 * stays, and the file of what it has counted.
 */
import { onTestFinished } from 'vitest'
import { LedgerSharing } from '../../../orchestrator/cluster/ledger/ledger-sharing.ts'
import { sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import type { OwnLedger } from '../../../orchestrator/engine/ports/network/network-ledger.ts'
import { type LedgerEvent, packEvent } from '../../../orchestrator/ledger/accounts/events.ts'
import { sharedTaskText } from '../../../orchestrator/ledger/network/shared-task.ts'
import { flagBits } from '../../../orchestrator/ledger/points/zero-rules.ts'
import {
  type Batch,
  type ChainEnd,
  emptyChain,
  endOf,
  type SealedBatch,
} from '../../../orchestrator/ledger/receipts/chain.ts'
import { packLeaves } from '../../../orchestrator/ledger/receipts/leaf-buffer.ts'
import type { Receipt } from '../../../orchestrator/ledger/receipts/receipt.ts'
import { ManualSystem } from '../clocks/manual-system.ts'
import { MortalSystem } from '../clocks/mortal-system.ts'
import { listedRules, packReceipt, receiptOf, sealLeaves } from '../ledger/small-ledger.ts'
import { temporaryFolder } from '../machine/temporary-folder.ts'
import { LogModel, type ModelLog } from './model-log.ts'
import { networkOf, type TestHub, testHub } from './network.ts'

export const prefix = 'chasm.test'

/** A chain as a store keeps it, which outlives its process. */
class KeptChain implements OwnLedger {
  readonly batches: Batch[] = []
  end: ChainEnd = emptyChain

  constructor(readonly of: TestHub) {}

  seal(leaves: readonly (Receipt | LedgerEvent)[], atMs: number): Batch {
    const batch = this.sealed(this.end, leaves, atMs)
    this.batches.push(batch)
    this.end = endOf(batch)
    return batch
  }

  /** Signed, and not kept. */
  sealed(behind: ChainEnd, leaves: readonly (Receipt | LedgerEvent)[], atMs: number): Batch {
    const packed = leaves.map((leaf) => ('type' in leaf ? packEvent(leaf) : packReceipt(leaf)))
    const sign = (bytes: Uint8Array) => this.of.identity.sign(bytes)
    return sealLeaves(behind, packed, { atMs, rulesHash: listedRules().hash, sign })
  }

  sealedAfter(seq: number, limit: number): SealedBatch[] {
    const first = this.batches[0]?.seq ?? 1
    const from = Math.max(0, seq + 1 - first)
    return this.batches
      .slice(from, from + limit)
      .map((batch) => ({ ...batch, leaves: packLeaves(batch.leaves).packed }))
  }

  lastSeq(): number {
    return this.end.seq
  }

  rulesText(): string {
    return listedRules().text
  }
}

export class LedgerHub {
  readonly sharing: LedgerSharing
  readonly log: ModelLog
  readonly warnings: string[] = []
  private readonly system: MortalSystem

  constructor(
    private readonly stage: LedgerNetworkStage,
    readonly hub: TestHub,
    readonly chain: KeptChain,
    readonly dataDir: string,
  ) {
    this.system = new MortalSystem(stage.system, 0)
    this.log = stage.logs.connect(() => this.system.isDead)
    const { identity, name } = hub
    const membership = {
      ...{ own: { name, boot: 1 }, prefix, key: identity.key },
      sign: (subject: string, payload: Uint8Array) => stage.signed(hub, subject, payload),
      get chain() {
        return stage.chain
      },
      get standing() {
        return stage.chain.authority(name)?.key === identity.key ? ('member' as const) : ('removed' as const)
      },
    }
    const report = {
      warn: (fields: object, message: string) => void this.warnings.push(`${message} ${JSON.stringify(fields)}`),
    }
    const { system, log } = this
    this.sharing = new LedgerSharing({ system, log, membership, ledger: chain, dataDir, report })
    this.sharing.start()
  }

  get name(): string {
    return this.hub.name
  }

  /** Its process is no more: nothing of it is written. */
  die(): void {
    this.system.isDead = true
  }

  /** Another process on the same disk, after this one has died or ended. */
  restart(): LedgerHub {
    if (!this.system.isDead) this.sharing.stop()
    this.die()
    return this.stage.add(this.hub, this.chain, this.dataDir)
  }

  /** What all operators have of the season of now at all hubs, as this one counts it. */
  sums() {
    return this.sharing.counted.season(this.stage.season, this.stage.roster())
  }

  /** Points of one operator, wherever they are. */
  pointsOf(operator: string): number {
    const { earned, waiting } = this.sharing.operator(operator, this.stage.season)
    return earned + waiting
  }
}

export class LedgerNetworkStage {
  readonly logs: LogModel
  readonly hubs = new Map<string, LedgerHub>()
  chain: RosterChain
  private tasks = 0

  constructor(
    names: readonly string[],
    readonly system = new ManualSystem(),
  ) {
    this.logs = new LogModel(system)
    const hubs = names.map((name, at) => testHub(name, at + 1))
    this.chain = networkOf(hubs)
    for (const hub of hubs) this.add(hub)
    onTestFinished(() => {
      for (const { sharing } of this.hubs.values()) sharing.stop()
    })
  }

  add(hub: TestHub, chain = new KeptChain(hub), dataDir = temporaryFolder()): LedgerHub {
    const made = new LedgerHub(this, hub, chain, dataDir)
    this.hubs.set(hub.name, made)
    return made
  }

  hub(name: string): LedgerHub {
    return this.hubs.get(name)!
  }

  get season(): string {
    return new Date(this.system.wallMs()).toISOString().slice(0, 7)
  }

  roster() {
    return this.chain.latest.hubs.map(({ name, key }) => ({ name, key }))
  }

  /** All follow it. */
  follow(chain: RosterChain): void {
    this.chain = chain
    for (const { sharing } of this.hubs.values()) sharing.followed()
  }

  signed(hub: TestHub, subject: string, payload: Uint8Array): Uint8Array {
    const head = { from: { name: hub.name, boot: 1 }, to: null, epoch: this.chain.epoch, number: 1 }
    return sealMessage(head, subject, payload, hub.identity)
  }

  /** A task of a client and a scout of one hub. */
  ownTask(changes: Partial<Receipt> = {}): Receipt {
    const atS = Math.floor(this.system.wallMs() / 1_000)
    return receiptOf(++this.tasks, { atS, scout: 'key_ant/ant', ...changes })
  }

  /** The two receipts of a task that one hub did for another. */
  sharedTask(asker: string, home: string, changes: Partial<Receipt> = {}): { asked: Receipt; served: Receipt } {
    const asked = this.ownTask({ flags: flagBits.elsewhere, home, scout: `hub:${home}/${home}`, ...changes })
    const { task, attempt } = asked
    const served = this.ownTask({ scout: 'key_ant/ant', asker: sharedTaskText({ asker, task, attempt }) })
    return { asked, served }
  }

  /** A long time, in which each timer is due once. */
  async passAtOnce(durationMs: number): Promise<void> {
    this.system.pass(durationMs)
    await this.pass(0)
  }

  async pass(durationMs: number): Promise<void> {
    const stepMs = 100
    for (let left = durationMs; left >= 0; left -= stepMs) {
      for (let turns = 0; turns < turnsPerStep; turns++) {
        this.system.pass(0)
        await new Promise((resolve) => setImmediate(resolve))
      }
      this.system.pass(Math.min(stepMs, left))
    }
  }
}

/** Questions that one promise may ask after another without any time between them. */
const turnsPerStep = 12
