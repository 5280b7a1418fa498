/**
 * The ledgers of a network: every few seconds this hub reads what the log has new of others' chains, counts it beside
 * its own, and tells of what it has sealed. Nothing of it is on the way of a request or of a receipt; where the log
 * cannot be reached, it is told and counted later. What was counted is written down every few minutes.
 */
import { countedEveryMs, foldedPerLook, ledgerLookMs } from '../../../shared/limits/cluster/ledger.ts'
import { leaderboardEveryMs } from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import type { HubLedgerListing, NetworkLedgerReport, OwnLedger } from '../../engine/ports/network/network-ledger.ts'
import { type LedgerHub, NetworkLedger, type OperatorSum } from '../../ledger/network/network-ledger.ts'
import { readHead } from '../../ledger/receipts/chain.ts'
import type { LoggedMessage, SharedLog } from '../journal/log.ts'
import { LogReader } from '../journal/log-reader.ts'
import { Looks } from '../looks.ts'
import type { Membership } from '../membership.ts'
import { PublicKey } from '../roster/identity.ts'
import { type Counted, keepCounted, readCounted } from './counted-file.ts'
import { batchesIn, type Pack } from './pack.ts'
import { Telling } from './telling.ts'
import { type Part, partIn, Together } from './told.ts'

/** Seasons whose sums are kept for a moment. */
const seasonsShown = 32
const nothing = new Uint8Array(0)
const noBatch = { head: nothing, signature: nothing, leaves: nothing }

interface LedgerSharingParts {
  system: System
  log: SharedLog
  membership: Pick<Membership, 'standing' | 'chain' | 'own' | 'prefix' | 'sign' | 'key'>
  ledger: OwnLedger
  dataDir: string
  report: { warn(fields: object, message: string): void }
}

export class LedgerSharing implements NetworkLedgerReport {
  readonly counted: NetworkLedger
  private readonly telling: Telling
  private readonly looks: Looks
  private readonly reader: LogReader
  /** Parts of what is not whole, by hub. */
  private readonly together = new Map<string, Together>()
  /** What is said by hubs that are not in the roster is read again with the next one; null for nothing. */
  private laterSeq: number | null = null
  private keptMs: number
  private isChanged = false
  /** As of seconds ago, by season. */
  private seasons = new Map<string, { atMs: number; sums: OperatorSum[] }>()
  /** Hubs whose flaw was reported. */
  private readonly warned = new Set<string>()

  constructor(private readonly parts: LedgerSharingParts) {
    const { system, log, membership, dataDir } = parts
    this.counted = new NetworkLedger((key) => this.verifierOf(key))
    const kept = this.usable(readCounted(dataDir, membership.chain.network))
    if (kept !== null) this.counted.restore(kept.ledger)
    this.keptMs = system.nowMs()
    this.looks = new Looks(system, ledgerLookMs, () => this.look())
    this.reader = new LogReader({
      ...{ log, pattern: `${membership.prefix}.ledger.*`, cursor: kept?.cursor ?? 0 },
      take: (message) => this.take(message),
      isStopped: () => this.looks.isStopped,
    })
    // What this hub said itself it need not fetch, where nobody else has said anything before it.
    const onTold = (seq: number) => void this.reader.pass(seq)
    this.telling = new Telling({ ...parts, told: kept?.told ?? 0, onTold })
  }

  /** A store that came back from a copy is behind what was counted of it: then all is counted anew. */
  private usable(kept: Counted | null): Counted | null {
    const { membership, ledger } = this.parts
    const own = kept?.ledger.hubs.find(([key]) => key === membership.key)?.[1]
    return own !== undefined && own.end > ledger.lastSeq() ? null : kept
  }

  start(): void {
    this.looks.start()
  }

  stop(): void {
    this.looks.stop()
    this.keep()
  }

  /** The roster is another one. */
  followed(): void {
    this.seasons.clear()
    if (this.laterSeq === null) return
    this.reader.back(this.laterSeq)
    this.laterSeq = null
  }

  // ------------------------------------------------------------ looks

  private async look(): Promise<void> {
    const { log, membership, system } = this.parts
    await this.countOwn()
    if (log.apart === null && membership.standing === 'member' && !this.looks.isStopped) {
      if ((await this.reader.readShown()) && !this.looks.isStopped) await this.telling.tell()
    }
    if (!this.looks.isStopped && system.nowMs() - this.keptMs >= countedEveryMs) this.keep()
  }

  /** The own chain, as the store has it; a batch in each turn. */
  private async countOwn(): Promise<void> {
    const { ledger, membership, system } = this.parts
    const own = { name: membership.own.name, key: membership.key }
    for (let batches = 0; batches < foldedPerLook && !this.looks.isStopped; batches++) {
      const [batch] = ledger.sealedAfter(this.counted.standingOf(own.key)?.end ?? 0, 1)
      if (batch === undefined) return
      this.counted.tell(own, ledger.rulesText(readHead(batch.head)!.rulesHash) ?? '')
      this.counted.take(own, batch)
      this.isChanged = true
      await new Promise<void>((resolve) => system.soon(resolve))
    }
  }

  private async take(message: LoggedMessage): Promise<void> {
    const { chain, own } = this.parts.membership
    const name = message.subject.split('.').at(-1)!
    const authority = chain.authority(name)
    if (authority === undefined) this.laterSeq ??= message.seq
    else if (name !== own.name) {
      const part = partIn(message, authority.publicKey)
      if (part !== null) await this.takePart({ name, key: authority.key }, part, message.seq)
    }
    this.isChanged = true
  }

  private async takePart(hub: LedgerHub, part: Part, seq: number): Promise<void> {
    const together = this.together.get(hub.key) ?? new Together()
    this.together.set(hub.key, together)
    const whole = together.add(part, seq)
    if (whole === null) return
    if (whole.kind === 'rules') this.counted.tell(hub, Buffer.from(whole.bytes).toString())
    else await this.takeAll(hub, { isDeflated: whole.kind === 'deflated', bytes: whole.bytes })
    together.taken(whole)
    this.warn(hub)
  }

  /**
   * A batch in each turn, while the hub does not stop: then the reader reads the message again. What is no pack is as a
   * batch without a head: its hub has signed it.
   */
  private async takeAll(hub: LedgerHub, pack: Pack): Promise<void> {
    for (const batch of batchesIn(pack) ?? [noBatch]) {
      this.counted.take(hub, batch)
      await new Promise<void>((resolve) => this.parts.system.soon(resolve))
      if (this.looks.isStopped) return
    }
  }

  private verifierOf(key: string) {
    const publicKey = key === this.parts.membership.key ? null : PublicKey.read(key)
    return publicKey && ((bytes: Uint8Array, signature: Uint8Array) => publicKey.verifies(bytes, signature))
  }

  private warn({ name, key }: LedgerHub): void {
    const flaw = this.counted.standingOf(key)?.flaw ?? null
    if (flaw === null || this.warned.has(key)) return
    this.warned.add(key)
    this.parts.report.warn({ hub: name, why: flaw }, 'the ledger of a hub counts for nothing any more')
  }

  private keep(): void {
    const { system, dataDir, membership, report } = this.parts
    this.keptMs = system.nowMs()
    if (!this.isChanged) return
    this.isChanged = false
    // What is not whole, or not taken whole, is read again.
    const begun = [...this.together.values()].map(({ fromSeq }) => fromSeq).filter((seq) => seq !== null)
    const cursor = Math.min(this.reader.cursor, ...begun.map((seq) => seq - 1))
    const { network } = membership.chain
    const flaw = keepCounted(dataDir, { network, cursor, told: this.telling.told, ledger: this.counted.snapshot() })
    if (flaw !== null) report.warn(flaw, 'what was counted of the ledgers of the network could not be kept')
  }

  // ------------------------------------------------------------ what is shown

  hubs(): HubLedgerListing[] {
    const roster = this.roster()
    const known = new Set(roster.map(({ key }) => key))
    const removed = [...this.counted.keys()].filter((key) => !known.has(key))
    return [
      ...roster.map((hub) => this.listingOf(hub, true)),
      ...removed.map((key) => this.listingOf({ name: this.nameOf(key), key }, false)),
    ]
  }

  season(season: string): readonly OperatorSum[] {
    const nowMs = this.parts.system.nowMs()
    const known = this.seasons.get(season)
    if (known !== undefined && nowMs - known.atMs < leaderboardEveryMs) return known.sums
    const sums = this.counted.season(season, this.roster())
    if (this.seasons.size >= seasonsShown) this.seasons.clear()
    this.seasons.set(season, { atMs: nowMs, sums })
    return sums
  }

  operator(operator: string, season: string): OperatorSum {
    return this.counted.operator(operator, season, this.roster())
  }

  private listingOf({ name, key }: LedgerHub, isMember: boolean): HubLedgerListing {
    const standing = this.counted.standingOf(key)
    const { end: batch, from, flaw } = standing ?? { end: 0, from: 0, flaw: null }
    if (!isMember) return { state: 'removed', name, key, batch, from, why: 'it was removed from the roster' }
    const state = flaw !== null ? 'flawed' : batch === 0 ? 'unheard' : 'counted'
    return { state, name, key, batch, from: batch === 0 ? 0 : from, why: flaw }
  }

  private roster(): LedgerHub[] {
    return this.parts.membership.chain.latest.hubs.map(({ name, key }) => ({ name, key }))
  }

  /** As the last roster that it was in had it. */
  private nameOf(key: string): string {
    const { documents } = this.parts.membership.chain
    const last = documents.findLast(({ document }) => document.hubs.some((hub) => hub.key === key))
    return last?.document.hubs.find((hub) => hub.key === key)?.name ?? key
  }
}
