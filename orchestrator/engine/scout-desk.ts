/**
 * The desk of scouts: what the gateway reports of its sessions goes to the brain, pieces and ends of answers to the
 * desk that carries them, and commands of both go back to the gateway. Nothing overtakes the welcome of a session,
 * which is complete only when it is known for each lease that goes on which chunk is expected next.
 */
import type { Fault } from '../../shared/faults.ts'
import type { Offer } from '../../shared/task.ts'
import type { BrainPort, ToScouts } from './ports/brain.ts'
import type {
  AttemptEvents,
  AttemptLinks,
  AttemptStarted,
  ChunkHead,
  Greeting,
  ScoutEvents,
  ScoutLinks,
  Settlement,
  TaskGrant,
  Welcome,
} from './ports/scouts.ts'

interface ScoutDeskParts {
  brain: BrainPort
  /** Who carries the answers. */
  answers: AttemptEvents
  /** The gateway. */
  links: ScoutLinks
}

/** The welcome of a session that has presented leases, and what is to follow it. Its parts come in any order. */
interface PendingWelcome {
  /** Null before the brain's word. */
  welcome: Welcome | null
  /** Of leases that go on. */
  nextChunks: { task: number; attempt: number; nextChunk: number }[]
  behind: (() => void)[]
}

export class ScoutDesk implements ScoutEvents, AttemptLinks {
  private readonly pending = new Map<number, PendingWelcome>()

  constructor(private readonly parts: ScoutDeskParts) {}

  // ------------------------------------------------------------ from the gateway

  joined(greeting: Greeting): void {
    const { session, hello } = greeting
    if (hello.held.length > 0) this.pending.set(session, { welcome: null, nextChunks: [], behind: [] })
    this.parts.brain.fromScouts({ type: 'joined', greeting })
  }

  credit(session: number, count: number): void {
    this.parts.brain.fromScouts({ type: 'credit', session, count })
  }

  offers(session: number, concurrency: number, offers: Offer[]): void {
    this.parts.brain.fromScouts({ type: 'scoutOffers', session, concurrency, offers })
  }

  started(session: number, { task, attempt, provider }: AttemptStarted): void {
    this.parts.brain.fromScouts({ type: 'started', session, task, attempt, provider })
  }

  chunk(session: number, head: ChunkHead, body: Uint8Array): void {
    this.parts.answers.chunk(session, head, body)
  }

  settle(session: number, settlement: Settlement, body: Uint8Array): void {
    this.parts.answers.settle(session, settlement, body)
  }

  broken(session: number, task: number, attempt: number, cause: Fault): void {
    this.parts.answers.broken(session, task, attempt, cause)
  }

  alive(session: number, task: number, attempt: number): void {
    this.parts.answers.alive(session, task, attempt)
  }

  heartbeat(session: number): void {
    this.parts.brain.fromScouts({ type: 'heartbeat', session })
  }

  draining(session: number): void {
    this.parts.brain.fromScouts({ type: 'scoutDraining', session })
  }

  gone(session: number, isForsaken = false): void {
    this.pending.delete(session)
    this.parts.brain.fromScouts({ type: 'gone', session, isForsaken })
  }

  // ------------------------------------------------------------ from the brain

  receive(message: ToScouts): void {
    const { links } = this.parts
    const { session } = message
    switch (message.type) {
      case 'verdict':
        return links.settled(session, message.task, message.attempt, message.verdict)
      case 'cancelAttempt':
        return this.cancel(session, message.task, message.attempt, message.reason)
      case 'welcome':
        return this.welcome(session, message.welcome)
      case 'standing':
        return links.standing(session, message.standing)
      case 'closeSession':
        return links.close(session, message.why, message.detail)
    }
  }

  private welcome(session: number, welcome: Welcome): void {
    const pending = this.pending.get(session)
    if (pending === undefined) return this.parts.links.welcome(session, welcome)
    pending.welcome = welcome
    this.complete(session, pending)
  }

  // ------------------------------------------------------------ from who carries the answers

  resumed(session: number, task: number, attempt: number, nextChunk: number): void {
    const pending = this.pending.get(session)
    if (pending === undefined) return
    pending.nextChunks.push({ task, attempt, nextChunk })
    this.complete(session, pending)
  }

  /** Sends the welcome, and what is to follow it, once all parts are there. */
  private complete(session: number, { welcome, nextChunks, behind }: PendingWelcome): void {
    const goingOn = welcome?.held.filter(({ verdict }) => verdict === 'resumed')
    if (goingOn === undefined || nextChunks.length < goingOn.length) return
    for (const reply of goingOn) {
      const known = nextChunks.find(({ task, attempt }) => task === reply.task && attempt === reply.attempt)
      reply.nextChunk = known!.nextChunk
    }
    this.pending.delete(session)
    this.parts.links.welcome(session, welcome!)
    for (const send of behind) send()
  }

  /** Somebody who carried answers is gone: what a welcome still misses will not come. */
  carrierGone(): void {
    for (const [session, pending] of [...this.pending]) {
      for (const { task, attempt, verdict } of pending.welcome?.held ?? []) {
        const isMissing = !pending.nextChunks.some((known) => known.task === task && known.attempt === attempt)
        if (verdict === 'resumed' && isMissing) pending.nextChunks.push({ task, attempt, nextChunk: 0 })
      }
      this.complete(session, pending)
    }
  }

  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    return this.parts.links.task(session, grant, request)
  }

  cancel(session: number, task: number, attempt: number, reason: string): void {
    this.afterWelcome(session, () => this.parts.links.cancel(session, task, attempt, reason))
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.afterWelcome(session, () => this.parts.links.flow(session, task, attempt, paused))
  }

  private afterWelcome(session: number, send: () => void): void {
    const pending = this.pending.get(session)
    if (pending === undefined) send()
    else pending.behind.push(send)
  }
}
