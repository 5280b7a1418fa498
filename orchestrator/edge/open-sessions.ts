/**
 * What an edge knows of the scouts whose sockets it holds, so that another brain can take them over: it stands between
 * the gateway and the desk of scouts and passes everything on, in both directions.
 */
import type { Fault } from '../../shared/faults.ts'
import { sessionWorkMax } from '../../shared/limits/process.ts'
import type { CloseName } from '../../shared/protocol/close-codes.ts'
import type { Offer, Verdict } from '../../shared/task.ts'
import { sameNonce } from '../core/model/nonce.ts'
import { staleReason } from '../core/task/cancels.ts'
import type {
  AttemptStarted,
  ChunkHead,
  Greeting,
  ScoutEvents,
  ScoutLinks,
  Settlement,
  Standing,
  TaskGrant,
  Welcome,
} from '../engine/ports/scouts.ts'
import type { PresentedSession } from '../link/presented.ts'

type Work = PresentedSession['work'][number]

interface OpenSession {
  greeting: Greeting
  isWelcome: boolean
  isDraining: boolean
  credits: number
  /** By `task/attempt`. */
  work: Map<string, Work>
  /** Cancelled before they came, by the same: they are not given any more. */
  refused: Set<string>
}

export class OpenSessions implements ScoutEvents, ScoutLinks {
  private readonly sessions = new Map<number, OpenSession>()

  /** `desk` is asked for each time: it is made after this, from it. */
  constructor(
    private readonly links: ScoutLinks,
    private readonly desk: () => ScoutEvents,
    /** A grant of the brain never came here. */
    private readonly unsent: (session: number, task: number, attempt: number) => void,
  ) {}

  present(): PresentedSession[] {
    return [...this.sessions.values()].map(({ work, refused: _refused, ...open }) => {
      return { ...open, work: [...work.values()] }
    })
  }

  // ------------------------------------------------------------ from the gateway

  joined(greeting: Greeting): void {
    this.sessions.set(greeting.session, {
      greeting,
      ...{ isWelcome: false, isDraining: false, credits: 0, work: new Map<string, Work>(), refused: new Set<string>() },
    })
    // What it brings along it may still end, whatever becomes of it.
    for (const { task, attempt, nonce } of greeting.hello.held) this.note(greeting.session, task, attempt, nonce)
    this.desk().joined(greeting)
  }

  credit(session: number, count: number): void {
    const open = this.sessions.get(session)
    if (open !== undefined) open.credits += count
    this.desk().credit(session, count)
  }

  offers(session: number, concurrency: number, offers: Offer[]): void {
    const open = this.sessions.get(session)
    if (open !== undefined) {
      open.greeting = { ...open.greeting, hello: { ...open.greeting.hello, concurrency, offers } }
      // As the brain counts them.
      open.credits = Math.min(open.credits, concurrency)
    }
    this.desk().offers(session, concurrency, offers)
  }

  started(session: number, started: AttemptStarted): void {
    this.desk().started(session, started)
  }

  chunk(session: number, head: ChunkHead, body: Uint8Array): void {
    this.desk().chunk(session, head, body)
  }

  settle(session: number, settlement: Settlement, body: Uint8Array): void {
    const open = this.sessions.get(session)
    if (open !== undefined) {
      open.credits += settlement.credits
      const work = open.work.get(nameOf(settlement.task, settlement.attempt))
      if (work !== undefined && sameNonce(work.nonce, settlement.nonce)) work.isSettled = true
    }
    this.desk().settle(session, settlement, body)
  }

  broken(session: number, task: number, attempt: number, cause: Fault): void {
    this.desk().broken(session, task, attempt, cause)
  }

  alive(session: number, task: number, attempt: number): void {
    this.desk().alive(session, task, attempt)
  }

  heartbeat(session: number): void {
    this.desk().heartbeat(session)
  }

  draining(session: number): void {
    const open = this.sessions.get(session)
    if (open !== undefined) open.isDraining = true
    this.desk().draining(session)
  }

  gone(session: number, isForsaken = false): void {
    this.sessions.delete(session)
    this.desk().gone(session, isForsaken)
  }

  // ------------------------------------------------------------ to the gateway

  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    const open = this.sessions.get(session)
    if (open === undefined) {
      // Its socket closed while this was on its way. The word comes behind that of the end of the session, which the
      // brain holds back, so that nobody is charged.
      this.unsent(session, grant.task, grant.attempt)
      return true
    }
    if (open.refused.delete(nameOf(grant.task, grant.attempt))) return true
    if (!this.links.task(session, grant, request)) return false
    open.credits = Math.max(0, open.credits - 1)
    this.note(session, grant.task, grant.attempt, grant.nonce)
    return true
  }

  private note(session: number, task: number, attempt: number, nonce: Uint8Array): void {
    const work = this.sessions.get(session)?.work
    if (work === undefined) return
    // One that does not report the end of what it has: the brain has long given it up.
    if (work.size >= sessionWorkMax) work.delete(work.keys().next().value!)
    work.set(nameOf(task, attempt), { task, attempt, nonce: new Uint8Array(nonce), isSettled: false })
  }

  settled(session: number, task: number, attempt: number, verdict: Verdict): void {
    const work = this.sessions.get(session)?.work
    const name = nameOf(task, attempt)
    // A verdict on what a stranger reported under another nonce leaves it at work.
    if (work?.get(name)?.isSettled === true) work.delete(name)
    this.links.settled(session, task, attempt, verdict)
  }

  /** A brain welcomes whoever it does not know; who has been welcomed before hears nothing of it. */
  welcome(session: number, welcome: Welcome): void {
    const open = this.sessions.get(session)
    if (open === undefined || open.isWelcome) return
    open.isWelcome = true
    for (const { task, attempt, verdict } of welcome.held) {
      if (verdict !== 'resumed') open.work.delete(nameOf(task, attempt))
    }
    this.links.welcome(session, welcome)
  }

  /**
   * A cancel comes the way of its task, unless who carried the answer is gone: then the task may not have come, and may
   * still. What the scout has never had is not cancelled there, where it would count as received.
   */
  cancel(session: number, task: number, attempt: number, reason: string): void {
    const open = this.sessions.get(session)
    const name = nameOf(task, attempt)
    if (open === undefined || open.work.has(name) || reason === staleReason) {
      return this.links.cancel(session, task, attempt, reason)
    }
    if (open.refused.size >= sessionWorkMax) open.refused.delete(open.refused.values().next().value!)
    open.refused.add(name)
    this.unsent(session, task, attempt)
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.links.flow(session, task, attempt, paused)
  }

  standing(session: number, standing: Standing): void {
    this.links.standing(session, standing)
  }

  close(session: number, why: CloseName, detail?: string): void {
    this.links.close(session, why, detail)
  }
}

function nameOf(task: number, attempt: number): string {
  return `${task}/${attempt}`
}
