/**
 * One edge among the processes of its hub: its line to the brain, its links to all other edges, and its desks between
 * them. It takes the seat that a brain gives it, presents what it has to the next one, and dials and answers the edges
 * beside it. How a link is made is its owner's, and so are sockets of clients and scouts: an edge as a process is
 * `edge.ts`, and the simulation holds edges without processes.
 */
import { linkSilenceMs, presentedPerFrame } from '../../shared/limits/process.ts'
import type { System } from '../../shared/system.ts'
import type { EngineDefect } from '../engine/ports/defect.ts'
import type { NetworkState } from '../engine/ports/network/network-state.ts'
import type { ScoutLinks, TaskGrant } from '../engine/ports/scouts.ts'
import type { Figures } from '../http/figures.ts'
import { linkVersion, type ToBrain, type ToEdgeOf, type ToPeer } from '../link/control.ts'
import type { LinkEnd } from '../link/unix-socket.ts'
import { BrainLine, type BrainLink } from './brain-line.ts'
import { EdgeDesks } from './edge-desks.ts'
import type { PeerLink } from './ways.ts'

interface MeshParts {
  system: System
  /** The gateway of this process. */
  links: ScoutLinks
  /** Whether a frame can hold this task. */
  canCarry: (grant: TaskGrant, request: Uint8Array) => boolean
  onDefect: (defect: EngineDefect) => void
  /** Whether the brain gives receipts of what is done here. */
  countsWork: boolean
  /** Whether tasks cost points. */
  costsPoints: boolean
  /** Whether somebody beside the brain judges answers. */
  showsAnswers: boolean
  /** Where other edges reach this one. */
  path: string
  dialBrain: (end: LinkEnd<ToEdgeOf>) => Promise<BrainLink>
  dialPeer: (path: string, end: LinkEnd<ToPeer>) => Promise<PeerLink>
  /** At which clients reach it; null before it listens. */
  port: () => number | null
  /** It has its first seat and knows the other edges: it may listen. */
  seated: () => void
  seatFailed: (error: unknown) => void
  /** A brain has taken it as its own. */
  accepted: () => void
  /** Another brain has taken over what the edges had. */
  takenOver: () => void
  /** What the brain says of the network that the hub belongs to. */
  network: (state: NetworkState) => void
  /** The process of the brain does not answer, and may still be there. */
  silent: (pid: number) => void
  /** The hub leaves: scouts are to know. */
  drain: (reason: string) => void
  /** The scout of this session is to dial again. */
  move: (session: number) => void
  /** Everything is decided: what is left is to be written out. */
  stop: () => void
  /** It cannot go on. */
  end: (why: string) => void
  log: { warn(fields: object, message: string): void }
}

export class Mesh {
  readonly desks: EdgeDesks
  readonly brain: BrainLine
  /** Its number, once a brain has given it one. */
  private edge: number | null = null
  /** When a brain took it as its own, and the process of that brain. */
  private seatedMs = 0
  private brainPid = 0
  private isListening = false
  /** The hub leaves. */
  isLeaving = false
  private isOver = false

  constructor(private readonly parts: MeshParts) {
    const { system, links, canCarry, onDefect, countsWork, costsPoints, showsAnswers, log } = parts
    this.brain = new BrainLine({
      system,
      dial: parts.dialBrain,
      log,
      receive: (message, body) => this.receive(message, body),
      lost: (why, isSilent) => this.brainLost(why, isSilent),
      found: () => this.introduce(),
      givenUp: () => this.desks.brainMissed(),
      over: () => parts.end('no brain came back'),
    })
    this.desks = new EdgeDesks({
      ...{ system, links, canCarry, onDefect, countsWork, costsPoints, showsAnswers },
      toBrain: (message, body) => this.brain.send(message as ToBrain<Figures>, body),
      isBrainMissed: () => this.brain.isMissed,
    })
  }

  // ------------------------------------------------------------ brains

  /** Says who it is; to a brain that does not know it, all that it has. */
  private introduce(): void {
    const { edge, brain } = this
    const { path } = this.parts
    const port = this.parts.port()
    const version = linkVersion
    if (edge === null || port === null) return brain.send({ type: 'edgeHello', version, path, before: null })
    const { held, carried, ...blocks } = this.desks.present()
    brain.send({ type: 'edgeHello', version, path, before: { edge, port, ...blocks } })
    for (const [at, session] of held.entries()) {
      brain.send({ type: 'presentSession', session })
      if (at % presentedPerFrame === 0) brain.flush()
    }
    for (const task of carried) brain.send({ type: 'presentTask', task })
    brain.send({ type: 'presented' })
    this.desks.brainFound()
  }

  /** The brain has taken it as its own. */
  private async seat({ edge, epoch, pid, peers }: Extract<ToEdgeOf, { type: 'seat' }>): Promise<void> {
    this.edge = edge
    this.desks.seated(epoch)
    this.brainPid = pid
    this.seatedMs = this.parts.system.nowMs()
    this.brain.accepted()
    this.parts.accepted()
    for (const peer of peers) if (!this.desks.ways.has(peer.edge)) await this.meet(edge, peer)
    if (this.isListening || this.isOver) return
    this.isListening = true
    this.parts.seated()
  }

  private brainLost(why: string, isSilent: boolean): void {
    if (this.isOver || this.isLeaving) return this.parts.end(`the brain is gone: ${why}`)
    this.parts.log.warn({ edge: this.edge }, `the brain is gone, and sockets stay: ${why}`)
    if (isSilent) this.parts.silent(this.brainPid)
    this.desks.brainLost()
  }

  private receive(message: ToEdgeOf, body: Uint8Array | null): void {
    const { parts, desks } = this
    switch (message.type) {
      case 'seat':
        return void this.seat(message).catch(parts.seatFailed)
      case 'turnedAway':
        return parts.end(`the brain turned it away: ${message.why}`)
      case 'edges': {
        const gone = desks.ways.others(message.edges, message.last)
        for (const edge of gone) desks.fromBrain({ type: 'edgeGone', edge }, null)
        return parts.takenOver()
      }
      case 'drain':
        this.isLeaving = true
        return parts.drain(message.reason)
      case 'moveSession':
        return parts.move(message.session)
      case 'network':
        return parts.network(message.state)
      case 'stop':
        this.isLeaving = true
        return parts.stop()
      default:
        return desks.fromBrain(message, body)
    }
  }

  // ------------------------------------------------------------ other edges

  private async meet(edge: number, peer: { edge: number; path: string }): Promise<void> {
    try {
      const link = await this.parts.dialPeer(peer.path, this.peerEnd(peer.edge))
      link.send({ type: 'peerHello', edge })
      this.desks.ways.meet(peer.edge, link)
    } catch (err) {
      // It may have ended since the brain wrote the list; the brain notices.
      this.parts.log.warn({ err, edge: peer.edge }, 'another edge could not be reached')
    }
  }

  /** Another edge has dialed this one. */
  dialed(link: PeerLink): LinkEnd<ToPeer> {
    let end: LinkEnd<ToPeer> | null = null
    return {
      receive: (message, body) => {
        if (end !== null) return end.receive(message, body)
        if (message.type !== 'peerHello') return link.end('it did not say who it is')
        end = this.peerEnd(message.edge)
        this.desks.ways.meet(message.edge, link)
      },
      ended: (why, isSilent) => end?.ended(why, isSilent),
    }
  }

  private peerEnd(edge: number): LinkEnd<ToPeer> {
    return {
      receive: (message, body) => this.desks.fromPeer(edge, message, body),
      ended: (why) => this.lost(edge, why),
    }
  }

  /** The brain says so soon if the other edge is gone. If it is not, the two cannot work together any more. */
  private lost(edge: number, why: string): void {
    const { system, end } = this.parts
    if (this.isOver || this.isLeaving) return
    system.after(linkSilenceMs, () => {
      if (!this.desks.ways.has(edge)) return
      // A brain that has just come finds out first which edges there are.
      const isKnown = this.brain.isThere && system.nowMs() - this.seatedMs >= linkSilenceMs
      if (isKnown) end(`the link to edge ${edge} is gone while that edge is not: ${why}`)
      else this.lost(edge, why)
    })
  }

  /** Ends all links. */
  close(): void {
    this.isOver = true
    this.desks.ways.end('this edge ends')
    this.brain.end('this edge ends')
  }
}
