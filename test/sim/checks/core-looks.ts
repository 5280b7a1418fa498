/**
 * The checker's looks into the hub: after an event that may have changed it, its core is recounted and compared with
 * what the wire has shown of credits and leases. A core that has not stepped since is as it was, and is not recounted.
 * Invariants 1, 8, 11, 14, 33 and 38.
 */
import { violations } from '../../../orchestrator/core/invariants.ts'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Process, World } from '../world.ts'
import { leaseFlaw } from './attempts/lease-times.ts'
import type { Ledger } from './ledger.ts'
import type { Standstill } from './standstill.ts'

/** Events without any trace of work after which the core is looked at anyway. */
const idleEventsMax = 20
/** How often leases are compared with the signs of life on the wire. */
const leaseLookMs = 1_000
/**
 * Steps that one event of the world may lead to; beyond it a step brings about the next one for ever. In sixty lives
 * sound hubs took 8 at most.
 */
const stepsPerEventMax = 500

/** A hub that lives. */
interface Subject {
  engine: HubEngine
  process: Process
}

interface Parts {
  world: World
  ledger: Ledger
  standstill: Standstill
  fail: (invariant: number, what: string) => void
}

export class CoreLooks {
  /** Something happened at the hub's edges since the last look. */
  touched = false
  /** Steps since the last look. */
  private unseen = 0
  /** Steps in this event of the world. */
  private steps = 0
  private idle = 0
  private leasesSeenMs = 0
  /** The hub that met a defect: nobody describes what is in its memory, and it ends. */
  private failed: HubEngine | null = null

  constructor(private readonly parts: Parts) {}

  /** The core takes a step; false when it must not, because steps follow from each other without end. */
  stepped(type: string): boolean {
    this.unseen++
    if (++this.steps <= stepsPerEventMax) return true
    this.parts.fail(33, `one event led to more than ${stepsPerEventMax} steps, the last of them "${type}"`)
    return false
  }

  /** This hub has met a defect. */
  failedIn(engine: HubEngine): void {
    this.failed = engine
  }

  /** After every event of the world; null while the hub is down. */
  look(subject: Subject | null): void {
    this.steps = 0
    if (subject === null || subject.engine === this.failed || (!this.touched && ++this.idle < idleEventsMax)) return
    this.touched = false
    this.idle = 0
    if (this.unseen > 0) this.recount(subject.engine)
    this.checkCredits(subject.engine)
    if (this.parts.world.nowMs - this.leasesSeenMs >= leaseLookMs) this.checkLeases(subject)
  }

  private recount({ core }: HubEngine): void {
    this.unseen = 0
    const [first] = violations(core.state)
    if (first !== undefined) this.parts.fail(1, first)
  }

  private checkCredits({ core }: HubEngine): void {
    const { ledger, fail } = this.parts
    for (const { session, credits } of core.state.roster.bySession.values()) {
      const book = ledger.sessions.get(session)
      if (book === undefined || book.isGone) fail(11, `session ${session} is on the roster and gone`)
      // Grants that wait for a commit have used their credit already.
      else if (credits > book.credits) {
        fail(8, `session ${session} has ${credits} credits, its scout gave ${book.credits}`)
      }
    }
  }

  private checkLeases({ engine, process }: Subject): void {
    const { world, ledger, standstill, fail } = this.parts
    this.leasesSeenMs = world.nowMs
    if (standstill.isAsleep(world.nowMs)) return
    const nowMs = process.nowMs()
    const flaw = leaseFlaw(engine, ledger, nowMs, world.nowMs - nowMs, standstill.totalMs)
    if (flaw !== null) fail(flaw.invariant, flaw.what)
  }
}
