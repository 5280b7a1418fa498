/**
 * The other hubs as this process knows them: when each one last told of itself, which start of it that was, and whether
 * it has heard this process. Only who has is here: what was recorded before this process began can name no start of it.
 * Pure; `presence.ts` feeds it.
 */
import { hubGoneMs } from '../../../shared/limits/cluster/presence.ts'
import type { HubProcess } from '../roster/message.ts'
import type { RosterChain } from '../roster/roster-chain.ts'
import type { Summary } from './summary.ts'

export interface Peer extends HubProcess {
  summary: Summary
  heardMs: number
  /** Whether it has heard this process, and was not silent for too long since. */
  isHere: boolean
}

/** A hub that came or went. One that was started anew went and came. */
export type PeerChange = { peer: Peer; what: 'came' | 'went' }

export class Peers {
  private readonly byName = new Map<string, Peer>()

  constructor(private readonly own: HubProcess) {}

  get(name: string): Peer | undefined {
    return this.byName.get(name)
  }

  here(): Peer[] {
    return [...this.byName.values()].filter(({ isHere }) => isHere)
  }

  /** The start of each hub that was heard last. */
  heard(): Record<string, number> {
    return Object.fromEntries([...this.byName.values()].map(({ name, boot }) => [name, boot]))
  }

  /** A believed summary. `isNew`: this start of the hub was not known, so that it is to be told that it was heard. */
  note(from: HubProcess, summary: Summary, nowMs: number): { isNew: boolean; changes: PeerChange[] } {
    const known = this.byName.get(from.name)
    const isNew = known?.boot !== from.boot
    const changes: PeerChange[] = []
    if (known !== undefined && isNew) changes.push(...this.leave(known))
    const isHere = summary.heard[this.own.name] === this.own.boot
    const peer: Peer = { ...from, summary, heardMs: nowMs, isHere }
    this.byName.set(from.name, peer)
    const wasHere = !isNew && known!.isHere
    if (isHere && !wasHere) changes.push({ peer, what: 'came' })
    if (!isHere && wasHere) changes.push({ peer, what: 'went' })
    return { isNew, changes }
  }

  /** Who has been silent for too long. */
  look(nowMs: number): PeerChange[] {
    return [...this.byName.values()].flatMap((peer) => (nowMs - peer.heardMs > hubGoneMs ? this.leave(peer) : []))
  }

  /** Who is no authority any more is forgotten. */
  follow(chain: RosterChain): PeerChange[] {
    return [...this.byName.values()].flatMap((peer) => {
      if (chain.authority(peer.name) !== undefined) return []
      this.byName.delete(peer.name)
      return this.leave(peer)
    })
  }

  /** This hub takes no part any more. */
  leaveAll(): PeerChange[] {
    return [...this.byName.values()].flatMap((peer) => this.leave(peer))
  }

  private leave(peer: Peer): PeerChange[] {
    if (!peer.isHere) return []
    peer.isHere = false
    return [{ peer, what: 'went' }]
  }
}
