/**
 * Honest scouts: the production scout, whole, as a process of the simulated world. They are killed, drained and started
 * again; `network.ts` breaks their connections. The hub may never close one of them for breaking the protocol.
 */

import type { Log } from '../../../scout/log.ts'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { Scout } from '../../../scout/process/scout.ts'
import { AnswerKey } from '../../../shared/answers/answer-keys.ts'
import { sha256 } from '../../../shared/answers/sha256.ts'
import type { Checker } from '../checks/invariants.ts'
import type { Scenario } from '../scenario.ts'
import type { PlayedScout } from '../trust/trust-life.ts'
import type { Process, World } from '../world.ts'
import type { Network } from './network.ts'
import { SimProvider } from './provider.ts'

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Every other scout signs its answers; it has its key from one life to the next. */
function keyOf(scout: string): AnswerKey | undefined {
  const seed = sha256(Buffer.from(scout))
  return seed[0]! % 2 === 0 ? new AnswerKey(seed) : undefined
}

export class HonestScout {
  readonly operator: string
  private process!: Process
  private provider!: SimProvider
  private catalog!: Catalog
  private scout!: Scout
  private socket: { cut(): void } | null = null
  private isCalm = false

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly checker: Checker,
    private readonly scenario: Scenario,
    private readonly played: PlayedScout,
    private readonly models: readonly string[],
  ) {
    this.operator = played.owner
    this.boot()
  }

  get name(): string {
    return this.played.name
  }

  private boot(): void {
    const { network, operator, scenario, checker } = this
    const process = this.world.process(`scout ${this.name}`)
    this.process = process
    this.provider = new SimProvider(process, this.models, scenario.providerTrouble, this.played)
    if (this.isCalm) this.provider.calm()
    this.catalog = new Catalog(process, quiet, [this.provider])
    const closing = (code: number, reason: string) => checker.honestClosed(operator, code, reason)
    const dial = (events: Parameters<Network['dial']>[1]) => {
      const socket = network.dial({ process, operator, closing }, events)
      this.socket = socket
      return socket
    }
    const ports = {
      system: process,
      dial,
      catalog: this.catalog,
      log: quiet,
      stopped: (refused: boolean, reason: string) => {
        if (refused) checker.fail(17, `${operator} was refused: ${reason}`)
        this.bootLater()
      },
    }
    void this.catalog.open().then(() => {
      const { concurrency, dataBytesPerSecond } = scenario
      const signingKey = keyOf(`${operator}/${this.name}`)
      this.scout = new Scout({ name: this.name, concurrency, dataBytesPerSecond, signingKey }, ports)
      this.scout.start()
    })
  }

  private bootLater(): void {
    if (!this.process.alive) return
    this.process.kill()
    const delayMs = this.world.dice(`boot ${this.name} ${this.world.nowMs}`).between(500, 20_000)
    this.world.arm(this.network.ground, delayMs, () => this.boot())
  }

  /** Killed: its work is gone and its socket torn. */
  crash(): void {
    if (!this.process.alive) return
    this.socket?.cut()
    this.bootLater()
  }

  drain(): void {
    if (this.process.alive) this.scout?.drain('maintenance')
  }

  /** Nothing goes wrong with its provider from now on. */
  calm(): void {
    this.isCalm = true
    this.provider.calm()
  }

  /** Timers that are set: the session's and the catalog's when nothing is under way. */
  get timers(): number {
    return this.process.armed
  }
}
