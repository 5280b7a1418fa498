/**
 * Which edge carries the answer of a task and which holds the socket of a session, told by the block that a number is
 * of. The links of an edge to its peers are here; the brain says where sessions are, and a peer that asks for something
 * about a task carries it. What nobody here knows of is the brain's.
 */

import { blockOf, firstOf } from '../engine/numbers.ts'
import type { AttemptEvents, AttemptLinks } from '../engine/ports/scouts.ts'
import { atBrain, type ToPeer } from '../link/control.ts'
import type { Link } from '../link/link.ts'
import { type AttemptMessage, carrierOver, holderOver } from '../link/messages.ts'

/** Blocks that are remembered; the oldest go first. Tasks of a block so old have ended by their deadlines. */
const blocksMax = 4_096

type Holder = ReturnType<typeof holderOver>
export type PeerLink = Pick<Link<ToPeer, ToPeer>, 'send' | 'end'>

interface Peer {
  link: PeerLink
  holder: Holder
  carrier: AttemptEvents
}

/** In the place of an edge's number. */
const here = 0

export class Ways {
  private readonly tasks = new Map<number, number>()
  private readonly sessions = new Map<number, number>()
  private readonly peers = new Map<number, Peer>()
  private readonly brainCarrier: AttemptEvents
  /** Of the sessions that stand for other hubs. */
  private readonly brainHolder: Holder
  /** Of the brain that decides now. */
  epoch = 0

  constructor(brain: { send(message: AttemptMessage, body?: Uint8Array | null): void }) {
    this.brainCarrier = carrierOver(brain)
    this.brainHolder = holderOver(brain, () => this.epoch)
  }

  /** This edge numbers its tasks from this block. */
  ownTasks(from: number): void {
    note(this.tasks, from, here)
  }

  ownSessions(from: number): void {
    note(this.sessions, from, here)
  }

  /** First numbers of the blocks that this edge has. */
  ownBlocks(): { tasks: number[]; sessions: number[] } {
    return { tasks: ownOf(this.tasks), sessions: ownOf(this.sessions) }
  }

  sessionsAt(block: number, edge: number): void {
    this.sessions.set(block, edge)
  }

  /** Another brain is there, and the sessions that the last one held have ended with it. */
  brainChanged(epoch: number): void {
    this.epoch = epoch
    for (const [block, edge] of this.sessions) if (edge === atBrain) this.sessions.delete(block)
  }

  meet(edge: number, link: PeerLink): void {
    this.peers.set(edge, { link, holder: holderOver(link, () => this.epoch), carrier: carrierOver(link) })
  }

  /** The brain has given it up. Where it is still there it learns that nothing goes between the two any more. */
  part(edge: number): void {
    const peer = this.peers.get(edge)
    this.peers.delete(edge)
    peer?.link.end('the brain has given it up')
  }

  has(edge: number): boolean {
    return this.peers.has(edge)
  }

  /** Peers up to this number that are not in the list. */
  others(edges: readonly number[], last: number): number[] {
    return [...this.peers.keys()].filter((edge) => edge <= last && !edges.includes(edge))
  }

  /** This peer has spoken of a task: it carries its answer. */
  learn(edge: number, message: AttemptMessage): void {
    if (message.type === 'giveTask') note(this.tasks, message.grant.task, edge)
    else if (message.type === 'resumed') note(this.tasks, message.task, edge)
  }

  /** Whether the socket of this session may still be open somewhere. */
  isLive(session: number): boolean {
    const edge = this.sessions.get(blockOf(session))
    return edge !== undefined && (edge === here || edge === atBrain || this.peers.has(edge))
  }

  /** `own` if the session's socket is in this process; null when it was at an edge that is gone. */
  holderOf(session: number, own: AttemptLinks): AttemptLinks | Holder | null {
    const edge = this.sessions.get(blockOf(session))
    if (edge === here) return own
    if (edge === atBrain) return this.brainHolder
    return edge === undefined ? null : (this.peers.get(edge)?.holder ?? null)
  }

  /** `own` if the answer is carried in this process; null when it was by an edge that is gone. */
  carrierOf(task: number, own: AttemptEvents): AttemptEvents | null {
    const edge = this.tasks.get(blockOf(task))
    if (edge === here) return own
    return edge === undefined ? this.brainCarrier : (this.peers.get(edge)?.carrier ?? null)
  }

  /** For what scouts report of answers that an edge carried that is gone: the brain tells them that it was in vain. */
  get lateCarrier(): Pick<AttemptEvents, 'settle' | 'alive'> {
    return this.brainCarrier
  }

  end(why: string): void {
    for (const { link } of this.peers.values()) link.end(why)
  }
}

function ownOf(blocks: Map<number, number>): number[] {
  return [...blocks].filter(([, edge]) => edge === here).map(([block]) => firstOf(block))
}

function note(blocks: Map<number, number>, number: number, edge: number): void {
  const block = blockOf(number)
  if (blocks.get(block) === edge) return
  if (blocks.size >= blocksMax) blocks.delete(blocks.keys().next().value!)
  blocks.set(block, edge)
}
