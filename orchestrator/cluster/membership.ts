/**
 * Whether this hub takes part in its network, and what it may say and believe there: the roster that holds, the message
 * gate, and how a changed roster reaches and leaves this process. Rosters come from the file in the data folder, which
 * the cluster command changes, and from other hubs; each is verified from the first document on, whoever brings it.
 */
import { statSync } from 'node:fs'
import {
  rosterLookMs,
  rosterReadsPerSecond,
  rosterSendBytesMax,
  rosterSendGapMs,
} from '../../shared/limits/cluster/presence.ts'
import { every, type System, type Timer } from '../../shared/system.ts'
import type { NetworkListing } from '../engine/ports/client.ts'
import type { HubBus } from './bus/bus.ts'
import { keepChain, keepFork, readChain } from './hub-files.ts'
import { hubFilesOf } from './identity-file.ts'
import type { Identity } from './roster/identity.ts'
import { type HubProcess, openMessage, sealMessage } from './roster/message.ts'
import { type BelievedMessage, MessageGate } from './roster/message-gate.ts'
import { PairKeys } from './roster/pair-keys.ts'
import { PerSecond } from './roster/per-second.ts'
import { RosterChain } from './roster/roster-chain.ts'
import { readRosterFile, rosterFileText, type SignedRoster } from './roster/roster-document.ts'

/**
 * - `member`: an authority of the roster that holds. All others take no part, and only listen for rosters.
 * - `removed`: the roster that holds is without this hub, or has another key for it. A later one may take it in again.
 * - `forked`: two rosters of one epoch are both signed well enough; operators have to decide. Final for this process.
 * - `double`: a process with the same identity was started later. Final for this process.
 */
export type Standing = NetworkListing['standing']

const standingMoves: Record<Standing, readonly Standing[]> = {
  member: ['removed', 'forked', 'double'],
  removed: ['member', 'forked', 'double'],
  forked: [],
  double: [],
}

export interface MembershipLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface MembershipOptions {
  system: System
  bus: HubBus
  log: MembershipLog
  dataDir: string
  identity: Identity
  own: HubProcess
  chain: RosterChain
  isForked: boolean
}

export class Membership {
  readonly own: HubProcess
  readonly gate: MessageGate
  /** What is said to one hub alone is proved with them. */
  readonly pairs: PairKeys
  /** In front of every subject, so that networks can share servers. */
  readonly prefix: string
  private held: RosterChain
  private at: Standing = 'member'
  private timer: Timer | null = null
  /** Which roster file was read last: one that is put in its place is another one, in the same millisecond too. */
  private readFile = ''
  private sentMs = Number.NEGATIVE_INFINITY
  private readonly reads = new PerSecond(rosterReadsPerSecond)
  private onChange: () => void = () => {}

  constructor(private readonly options: MembershipOptions) {
    const { system, identity, own, chain, isForked } = options
    this.own = own
    this.held = chain
    this.pairs = new PairKeys(own, chain.network, system.randomBytes(32))
    this.gate = new MessageGate(identity, own, chain, () => system.nowMs(), this.pairs)
    this.prefix = prefixOf(chain)
    if (isForked) this.at = 'forked'
  }

  /** The identity of this hub, as the roster has it. */
  get key(): string {
    return this.options.identity.key
  }

  get chain(): RosterChain {
    return this.held
  }

  get standing(): Standing {
    return this.at
  }

  /** `onChange`: the roster or the standing is another one. */
  start(onChange: () => void): void {
    this.onChange = onChange
    this.options.bus.subscribe(`${this.prefix}.roster`, (_, message) => this.takeRoster(message))
    this.timer = every(this.options.system, rosterLookMs, () => this.look())
    this.look()
  }

  stop(): void {
    this.timer?.cancel()
  }

  /** Sends a signed message; false when this hub may not, or the bus did not take it. */
  publish(to: HubProcess | null, subject: string, payload: Uint8Array): boolean {
    if (this.at !== 'member' || !this.options.bus.state.isConnected) return false
    return this.options.bus.publish(subject, this.gate.seal(to, subject, payload))
  }

  /** Signs what is kept for every hub, now and later: it counts by what it says, not by its number. */
  sign(subject: string, payload: Uint8Array): Uint8Array {
    const head = { from: this.own, to: null, epoch: this.held.epoch, number: 1 }
    return sealMessage(head, subject, payload, this.options.identity)
  }

  /** What a message says, if it counts. */
  receive(message: Uint8Array, subject: string): BelievedMessage | null {
    if (this.at !== 'member') return null
    const believed = this.gate.receive(message, subject)
    if (believed === 'double') this.enter('double')
    const epoch = typeof believed === 'string' ? openMessage(message)?.head.epoch : believed.head.epoch
    // Whoever lacks a roster cannot ask for it in a way that counts, if it lacks more than one.
    if (epoch !== undefined && epoch < this.held.epoch && (typeof believed !== 'string' || believed === 'epoch')) {
      this.sendRoster(epoch)
    }
    return typeof believed === 'string' ? null : believed
  }

  // ------------------------------------------------------------ rosters

  private look(): void {
    const { dataDir } = this.options
    const { roster } = hubFilesOf(dataDir)
    const found = statSync(roster, { throwIfNoEntry: false })
    const file = found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`
    if (file === this.readFile) return
    this.readFile = file
    const chain = readChain(roster)
    if (chain === null || 'flaw' in chain) {
      this.options.log.error(
        { flaw: chain?.flaw },
        'the roster file cannot be used any more; what held goes on holding',
      )
      return
    }
    const stand = this.held.compare(chain)
    if (stand.is === 'newer') {
      const before = this.held.epoch
      this.follow(chain)
      this.sendRoster(before)
    }
    if (stand.is === 'fork') this.fork(chain.documents.slice(0, stand.epoch))
  }

  private takeRoster(message: Uint8Array): void {
    if (!this.reads.take(this.options.system.nowMs())) return
    const documents = readRosterFile(message)
    if ('flaw' in documents) return
    for (const next of documents) this.takeDocument(next)
  }

  private takeDocument(next: SignedRoster): void {
    const { epoch } = next.document
    const { documents } = this.held
    if (epoch > this.held.epoch + 1 || this.at === 'forked') return
    const isNext = epoch === this.held.epoch + 1
    const before = isNext ? this.held : RosterChain.verify(documents.slice(0, epoch - 1))
    if ('flaw' in before) return
    const chain = before.extended(next)
    if ('flaw' in chain) return
    if (!isNext) {
      if (this.held.compare(chain).is === 'fork') this.fork(chain.documents)
      return
    }
    const flaw = keepChain(this.options.dataDir, chain)
    if (flaw !== null) this.options.log.error(flaw, 'a roster could not be kept; it holds until the next start')
    this.follow(chain)
  }

  private follow(chain: RosterChain): void {
    this.held = chain
    this.gate.follow(chain)
    const { own, identity, log } = this.options
    log.info({ epoch: chain.epoch, hubs: chain.latest.hubs.length }, 'a new roster holds')
    const isIn = chain.authority(own.name)?.key === identity.key
    if (this.at === 'member' && !isIn) this.enter('removed')
    else if (this.at === 'removed' && isIn) this.enter('member')
    else this.onChange()
  }

  private fork(documents: readonly SignedRoster[]): void {
    if (this.at === 'forked') return
    const flaw = keepFork(this.options.dataDir, documents)
    if (flaw !== null) this.options.log.error(flaw, 'the proof of a fork could not be kept')
    // Whoever knows only one side has to learn of the other.
    const both = [documents, this.held.documents].map((side) => side[documents.length - 1]!)
    this.options.bus.publish(`${this.prefix}.roster`, Buffer.from(rosterFileText(both)))
    this.enter('forked')
  }

  private sendRoster(beyond: number): void {
    const { system, bus } = this.options
    if (system.nowMs() - this.sentMs < rosterSendGapMs) return
    const documents: SignedRoster[] = []
    for (const next of this.held.documents.slice(beyond)) {
      documents.push(next)
      if (rosterFileText(documents).length > rosterSendBytesMax) {
        documents.pop()
        break
      }
    }
    if (documents.length === 0) return
    this.sentMs = system.nowMs()
    bus.publish(`${this.prefix}.roster`, Buffer.from(rosterFileText(documents)))
  }

  private enter(standing: Standing): void {
    if (this.at === standing || !standingMoves[this.at].includes(standing)) return
    this.at = standing
    const { log } = this.options
    const fields = { hub: this.own.name, epoch: this.held.epoch }
    if (standing === 'member') log.info(fields, 'this hub is an authority again and takes part')
    if (standing === 'removed') log.warn(fields, 'this hub was removed from the roster and takes no part any more')
    if (standing === 'forked') log.error(fields, forkedSentence)
    if (standing === 'double') log.error(fields, doubleSentence)
    this.onChange()
  }
}

export function prefixOf(chain: RosterChain): string {
  return `chasm.${chain.network.slice(0, 16)}`
}

const forkedSentence =
  'two rosters of one epoch are both signed: this hub takes no part until its operators agree on one ' +
  '(roster-fork.json in the data folder has the other one), put it in place of roster.json, and remove that file'
const doubleSentence =
  'another process with the identity of this hub was started later: this one takes no part any more; ' +
  'stop one of the two, and remove it from its machine'
