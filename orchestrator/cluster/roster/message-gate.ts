/**
 * What one process of a hub believes of messages, and the numbers of those it sends. A message counts if an authority
 * of the present roster signed it, or made it with the key that it has with this process, under this subject, for this
 * process or for every hub, in an epoch next to the present one, and if its number is new; each other one is counted by
 * reason and dropped. Cheap checks come before the proof, and nothing is remembered of a message whose proof does not
 * hold.
 *
 * A message that was recorded for an earlier start of this hub names that start. One meant for every hub can be shown
 * again to a process that has just started; whoever acts on those asks for proof that the sender knows this start
 * (`boot`).
 */
import { believedPerSecondMax, forgedPerSecondMax } from '../../../shared/limits/cluster/roster.ts'
import type { Identity, PublicKey } from './identity.ts'
import {
  type HubProcess,
  isOfPair,
  isSignedBy,
  type MessageHead,
  type OpenedMessage,
  openMessage,
  sealForPair,
  sealMessage,
} from './message.ts'
import type { PairKeys } from './pair-keys.ts'
import { PerSecond } from './per-second.ts'
import { ReplayWindow } from './replay-window.ts'
import type { RosterChain } from './roster-chain.ts'

/**
 * `echo`: of this process itself, or of an earlier start. `double`: another process has this hub's identity, and
 * started later; this one has to stop taking part. `elsewhere`: for another process. `epoch`: too far from the present.
 * `flood`: not looked at, because too many were forged in this second, or its sender has had its share of it.
 */
export type DropReason =
  | 'malformed'
  | 'stranger'
  | 'echo'
  | 'double'
  | 'elsewhere'
  | 'epoch'
  | 'replayed'
  | 'forged'
  | 'flood'

export interface BelievedMessage {
  head: MessageHead
  payload: Uint8Array
}

interface Sender {
  boot: number
  /** How many of its messages counted, over all of its starts. */
  believed: PerSecond
  toAll: ReplayWindow
  toThis: ReplayWindow
}

export class MessageGate {
  /** Messages that were dropped, by reason. */
  readonly dropped: Record<DropReason, number> = {
    ...{ malformed: 0, stranger: 0, echo: 0, double: 0, elsewhere: 0, epoch: 0, replayed: 0, forged: 0, flood: 0 },
  }
  /** By name; none but authorities, so the roster bounds it. */
  private readonly senders = new Map<string, Sender>()
  /** The last number used, by name of the receiver; empty for every hub. */
  private readonly numbers = new Map<string, number>()
  private readonly forged = new PerSecond(forgedPerSecondMax)

  constructor(
    private readonly identity: Identity,
    private readonly own: HubProcess,
    private chain: RosterChain,
    private readonly nowMs: () => number,
    /** With whom this process has a key; null: everything is signed. */
    private readonly pairs: PairKeys | null = null,
  ) {}

  /** From now on this roster counts. What is known of hubs that are not in it is forgotten. */
  follow(chain: RosterChain): void {
    this.chain = chain
    this.pairs?.keep((name) => chain.authority(name) !== undefined)
    for (const name of this.senders.keys()) if (chain.authority(name) === undefined) this.senders.delete(name)
    for (const name of this.numbers.keys()) {
      if (name !== '' && chain.authority(name) === undefined) this.numbers.delete(name)
    }
  }

  /** A message of this hub, to one process or to every hub (null). */
  seal(to: HubProcess | null, subject: string, payload: Uint8Array): Uint8Array {
    const name = to?.name ?? ''
    const number = (this.numbers.get(name) ?? 0) + 1
    this.numbers.set(name, number)
    const head = { from: this.own, to, epoch: this.chain.epoch, number }
    const key = to === null ? undefined : this.pairs?.with(to)
    if (key !== undefined) return sealForPair(head, subject, payload, key)
    return sealMessage(head, subject, payload, this.identity)
  }

  /** What a message that came under `subject` says; or why it does not count. */
  receive(message: Uint8Array, subject: string): BelievedMessage | DropReason {
    const judged = this.judge(message, subject)
    if (typeof judged === 'string') this.dropped[judged]++
    return judged
  }

  private judge(message: Uint8Array, subject: string): BelievedMessage | DropReason {
    const opened = openMessage(message)
    if (opened === null) return 'malformed'
    const { head, payload } = opened
    const { from, to, epoch, number } = head
    const authority = this.chain.authority(from.name)
    if (authority === undefined) return 'stranger'
    if (from.name === this.own.name && from.boot <= this.own.boot) return 'echo'
    if (to !== null && (to.name !== this.own.name || to.boot !== this.own.boot)) return 'elsewhere'
    // Hubs learn of a new roster within seconds of each other; whoever is further behind has to catch up first.
    if (Math.abs(epoch - this.chain.epoch) > 1) return 'epoch'
    const known = this.senders.get(from.name)
    if (known !== undefined && from.boot < known.boot) return 'replayed'
    const current = known?.boot === from.boot ? known : undefined
    if (current !== undefined && !windowOf(current, to).isNew(number)) return 'replayed'
    const nowMs = this.nowMs()
    if (!this.forged.has(nowMs) || known?.believed.has(nowMs) === false) return 'flood'
    if (!this.isProved(opened, subject, authority.publicKey)) {
      this.forged.add(nowMs)
      return 'forged'
    }
    if (from.name === this.own.name) return 'double'
    const sender = current ?? {
      ...{ boot: from.boot, believed: known?.believed ?? new PerSecond(believedPerSecondMax) },
      ...{ toAll: new ReplayWindow(), toThis: new ReplayWindow() },
    }
    this.senders.set(from.name, sender)
    sender.believed.add(nowMs)
    windowOf(sender, to).add(number)
    return { head, payload }
  }

  private isProved(opened: OpenedMessage, subject: string, publicKey: PublicKey): boolean {
    const { from, to } = opened.head
    if (opened.proof.by === 'signature') return isSignedBy(opened, subject, publicKey)
    // What every hub is to believe is signed.
    const key = to === null ? undefined : this.pairs?.with(from)
    return key !== undefined && isOfPair(opened, subject, key)
  }
}

function windowOf(sender: Sender, to: HubProcess | null): ReplayWindow {
  return to === null ? sender.toAll : sender.toThis
}
