/**
 * The way of an edge to its brain: a link that is dialed anew when it ends, for a brain that was killed or upgraded
 * comes back soon. Meanwhile the edge keeps its sockets. What is for the books waits here; all else that a new brain
 * has to know is presented to it by whoever owns this.
 */
import { bookedKeptMax, brainAwayMsMax, brainDialMs, brainWaitMs } from '../../shared/limits/process.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { Figures } from '../http/figures.ts'
import type { ToBrain, ToEdgeOf } from '../link/control.ts'
import type { Link } from '../link/link.ts'
import type { LinkEnd } from '../link/unix-socket.ts'

type Message = ToBrain<Figures>
export type BrainLink = Link<ToEdgeOf, Message>

interface BrainLineParts {
  system: System
  /** Rejects when no brain is there. */
  dial: (end: LinkEnd<ToEdgeOf>) => Promise<BrainLink>
  receive: (message: ToEdgeOf, body: Uint8Array | null) => void
  /** The link has ended; another brain is looked for. */
  lost: (why: string, isSilent: boolean) => void
  /** A brain is there: what it has to know is to be sent now, and all else goes behind. */
  found: () => void
  /** There was none for so long that nobody waits any longer. */
  givenUp: () => void
  /** There was none for so long that the edge is to end. */
  over: () => void
  log: { warn(fields: object, message: string): void }
}

/**
 * - `away`: no link stands. - `introduced`: one does, and this edge has said who it is. - `there`: the brain has
 * answered. - `ended`: by the owner.
 */
type Phase = 'away' | 'introduced' | 'there' | 'ended'

export class BrainLine {
  private phase: Phase = 'away'
  /** Whoever waits has waited long enough. */
  private isLate = false
  private link: BrainLink | null = null
  /** Of the brain that is there no more. */
  private kept: Message[] = []
  private dropped = 0
  private readonly timers = new Set<Timer>()
  private waiting: (() => void)[] = []

  constructor(private readonly parts: BrainLineParts) {}

  get isThere(): boolean {
    return this.phase === 'there'
  }

  /** Nobody is to wait for a brain any longer. */
  get isMissed(): boolean {
    return this.isLate || this.phase === 'ended'
  }

  /** Dials for the first time, and on until a brain is there: one may just be on its way. */
  dial(): void {
    this.after(brainAwayMsMax, this.parts.over)
    this.dialNow()
  }

  private met(link: BrainLink): void {
    this.link = link
    this.phase = 'introduced'
    this.parts.found()
    for (const message of this.kept.splice(0)) link.send(message)
    if (this.dropped > 0) this.parts.log.warn({ messages: this.dropped }, 'usage was not booked: no brain for too long')
    this.dropped = 0
  }

  private dialed(): Promise<BrainLink> {
    let own: BrainLink | null = null
    const end = {
      receive: (message: ToEdgeOf, body: Uint8Array | null) => {
        if (own !== null && own === this.link) this.parts.receive(message, body)
      },
      ended: (why: string, isSilent: boolean) => {
        if (own !== null && own === this.link) this.ended(why, isSilent)
      },
    }
    return this.parts.dial(end).then((link) => {
      if (link.isOver) throw new Error('the brain ended as it was dialed')
      own = link
      return link
    })
  }

  /** The brain has taken this edge as its own. */
  accepted(): void {
    if (this.phase !== 'introduced') return
    this.phase = 'there'
    this.isLate = false
    for (const timer of this.timers) timer.cancel()
    this.timers.clear()
    for (const go of this.waiting.splice(0)) go()
  }

  /** Sends it, or keeps it where a later brain can use it. */
  send(message: Message, body: Uint8Array | null = null): void {
    if (this.phase === 'there' || this.phase === 'introduced') return this.link!.send(message, body)
    if (message.type !== 'used' && message.type !== 'usage') return
    if (this.kept.length < bookedKeptMax) this.kept.push(message)
    else this.dropped++
  }

  flush(): void {
    this.link?.flush()
  }

  /** Resolves once a brain is there, or nobody waits for it any longer. */
  there(): Promise<void> {
    if (this.isThere || this.isMissed) return Promise.resolve()
    return new Promise((resolve) => void this.waiting.push(resolve))
  }

  private ended(why: string, isSilent: boolean): void {
    const { lost, givenUp, over } = this.parts
    this.link = null
    const { phase } = this
    if (phase === 'ended') return
    this.phase = 'away'
    if (phase === 'there') {
      this.after(brainWaitMs, () => {
        this.isLate = true
        for (const go of this.waiting.splice(0)) go()
        givenUp()
      })
      this.after(brainAwayMsMax, over)
      lost(why, isSilent)
    }
    this.look()
  }

  private after(ms: number, action: () => void): void {
    const timer = this.parts.system.after(ms, () => {
      this.timers.delete(timer)
      action()
    })
    this.timers.add(timer)
  }

  private look(): void {
    this.after(brainDialMs, () => this.dialNow())
  }

  private dialNow(): void {
    this.dialed().then(
      (link) => {
        if (this.phase === 'ended') return link.end('this edge ends')
        this.met(link)
      },
      () => {
        if (this.phase !== 'ended') this.look()
      },
    )
  }

  end(why: string): void {
    if (this.phase === 'ended') return
    this.phase = 'ended'
    for (const timer of this.timers) timer.cancel()
    this.timers.clear()
    for (const go of this.waiting.splice(0)) go()
    this.link?.end(why)
  }
}
