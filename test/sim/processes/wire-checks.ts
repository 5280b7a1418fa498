/**
 * What must hold on the wire of a hub of several processes, where what the brain decides arrives later and by several
 * ways. The checker has judged the decisions; here each scout's wire is judged, and numbers.
 *
 * 53. No number of a session or a task is given twice, over restarts of edges and brains.
 * 54. Nothing is sent to a session before its welcome, no task but as it was decided, and nothing about an attempt
 *     before its task. No attempt is sent twice.
 * 55. A settlement that came before its socket closed is not taken for lost, where no process stood still or died.
 */
import { staleReason } from '../../../orchestrator/core/task/cancels.ts'
import type { Answer } from '../../../orchestrator/engine/ports/client.ts'
import type { ScoutEvents } from '../../../orchestrator/engine/ports/scouts.ts'
import type { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import type { HubFrame } from '../../../shared/protocol/frames.ts'
import type { Checker } from '../checks/invariants.ts'
import { isHonest } from '../checks/ledger.ts'
import { wordsOf } from '../trace.ts'
import type { Process, World } from '../world.ts'
import { QuietChecks } from './quiet-checks.ts'
import { ReceiptChecks } from './receipt-checks.ts'

interface WireSession {
  isHonest: boolean
  isWelcome: boolean
  isClosed: boolean
  /** Attempts whose task frame has been sent, or that it has brought along, by `task/attempt`. */
  known: Set<string>
  /** Settled before it closed, and the bytes that came along. */
  settled: Map<string, number>
}

/** How long the word may take that an attempt could not be sent. */
const unsentWithinMs = 1_000
/** For how long after a death or a standstill what is found may come of it. */
const troubleMs = 10_000
/** What travels at once; longer answers are checked and carried in steps. */
const quickBytes = 64 * 1024

export class WireChecks {
  private readonly sessions = new Map<number, WireSession>()
  private readonly given = new Set<string>()
  /** By `task/attempt/session`, the epoch of the brain that has granted it. */
  private readonly decided = new Map<string, number>()
  private readonly tasks = new Set<number>()
  private readonly notSent = new Set<string>()
  private readonly ground: Process
  readonly quiet: QuietChecks
  readonly receipts: ReceiptChecks
  /** When a process died or stood still last. */
  private troubledMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly world: World,
    private readonly checker: Checker,
    private readonly disk: () => MemoryDisk,
    creditMax: number,
  ) {
    this.ground = world.process('wire')
    const parts = {
      world,
      fail: (invariant: number, what: string) => this.fail(invariant, what),
      isTroubled: (withinMs: number) => this.isTroubled(withinMs),
    }
    this.quiet = new QuietChecks({ ...parts, creditMax, isSent: (attempt) => this.given.has(attempt) })
    this.receipts = new ReceiptChecks({ ...parts, isSealed: (task) => checker.receipts.isSealed(task) })
  }

  private fail(invariant: number, what: string): void {
    this.checker.fail(invariant, what)
  }

  // ------------------------------------------------------------ numbers

  /** A client has asked. */
  asked(answer: Answer): Answer {
    const task = Number.parseInt(answer.id.slice(answer.id.indexOf('-') + 1), 36)
    if (this.tasks.has(task) || this.disk().tasks.has(task)) this.fail(53, `two tasks have the number ${task}`)
    this.tasks.add(task)
    this.receipts.asked(task, answer as Answer & { work: unknown })
    const abandon = answer.abandon.bind(answer)
    answer.abandon = () => {
      this.quiet.abandoned(task)
      abandon()
    }
    return answer
  }

  /** Everything has ended: durable tasks have numbers of their own as well. */
  over(): void {
    for (const task of this.disk().tasks.keys()) if (this.tasks.has(task)) this.fail(53, `two tasks have ${task}`)
  }

  // ------------------------------------------------------------ from scouts

  /** The desk of scouts of an edge, with this hearing everything first. */
  tapped(events: ScoutEvents): ScoutEvents {
    return {
      joined: (greeting) => {
        const { session, operator, hello } = greeting
        if (this.sessions.has(session)) this.fail(53, `two sessions have the number ${session}`)
        const known = new Set(hello.held.map(({ task, attempt }) => `${task}/${attempt}`))
        const open = { isWelcome: false, isClosed: false, settled: new Map(), known }
        this.sessions.set(session, { isHonest: isHonest(operator), ...open })
        if (isHonest(operator)) this.quiet.joined(session, hello.concurrency)
        this.note(`joined ${session}`)
        events.joined(greeting)
      },
      settle: (session, settlement, body) => {
        const { task, attempt, outcome } = settlement
        this.note(`settle ${session} ${task}/${attempt} ${outcome}`)
        this.sessions.get(session)?.settled.set(`${task}/${attempt}`, body.length)
        this.quiet.credited(session, settlement.credits)
        events.settle(session, settlement, body)
      },
      gone: (session, isForsaken) => {
        this.note(`gone ${session}`)
        this.sessions.get(session)!.isClosed = true
        this.quiet.gone(session)
        events.gone(session, isForsaken)
      },
      credit: (session, count) => {
        this.quiet.credited(session, count)
        events.credit(session, count)
      },
      offers: (session, concurrency, offers) => {
        this.quiet.offers(session, concurrency)
        events.offers(session, concurrency, offers)
      },
      started: (session, started) => events.started(session, started),
      chunk: (session, head, body) => events.chunk(session, head, body),
      broken: (session, task, attempt, cause) => events.broken(session, task, attempt, cause),
      alive: (session, task, attempt) => events.alive(session, task, attempt),
      heartbeat: (session) => events.heartbeat(session),
      draining: (session) => events.draining(session),
    }
  }

  private note(what: string): void {
    this.world.trace.print?.(`edge <- ${what}`)
  }

  // ------------------------------------------------------------ to scouts

  /** The brain has granted this attempt. */
  granted(session: number, task: number, attempt: number, epoch: number): void {
    this.decided.set(`${task}/${attempt}/${session}`, epoch)
  }

  /** A frame leaves an edge. `epoch`: of the brain that the edge belongs to. */
  sent(session: number, frame: HubFrame, epoch: number): void {
    const { trace } = this.world
    trace.print?.(`edge -> ${session} ${wordsOf(frame)}`)
    const open = this.sessions.get(session)
    // The socket may just have closed; then the gateway lets it fall. Of a task somebody has to hear so.
    if (open?.isClosed && frame.type === 'task')
      this.fail(11, `task ${frame.task} to session ${session}, which is gone`)
    if (open === undefined || open.isClosed) return
    if (frame.type === 'welcome') {
      if (open.isWelcome) this.fail(54, `session ${session} is welcomed twice`)
      open.isWelcome = true
      return
    }
    if (!open.isWelcome) this.fail(54, `${wordsOf(frame)} was sent to session ${session} before its welcome`)
    if (!('task' in frame) || !('attempt' in frame)) return
    const name = `${frame.task}/${frame.attempt}`
    if (frame.type !== 'task') {
      // An edge knows what it has sent. Work that is nobody's may be cancelled wherever somebody claims it.
      const isCancel = frame.type === 'cancel' && frame.reason !== staleReason
      if (isCancel && open.isHonest && !open.known.has(name)) this.fail(54, `${name} is cancelled where it never came`)
      // A durable task's grant may be taken back before it is sent; it goes one way with its cancel.
      const isExcused = open.known.has(name) || !open.isHonest || this.disk().tasks.has(frame.task)
      // What a process that died had in hand may never come.
      if (this.isTroubled(troubleMs)) this.notSent.add(name)
      if (!isExcused && !this.notSent.has(name)) this.early(session, name, wordsOf(frame))
      return
    }
    if (this.given.has(name)) this.fail(54, `attempt ${name} was sent twice`)
    this.given.add(name)
    open.known.add(name)
    this.quiet.credited(session, -1)
    const decided = this.decided.get(`${name}/${session}`)
    if (decided === undefined) this.fail(54, `attempt ${name} was sent to session ${session}, which did not get it`)
    else if (decided < epoch)
      this.fail(54, `attempt ${name} was sent to session ${session}, and is of an earlier brain`)
  }

  /** Sent about an attempt that the session does not know: its edge may have found that it cannot be sent. */
  private early(session: number, name: string, words: string): void {
    const atMs = this.world.nowMs
    this.world.arm(this.ground, unsentWithinMs, () => {
      if (this.isTroubled(unsentWithinMs) || this.notSent.has(name)) return
      this.fail(54, `${words} was sent to session ${session} at ${atMs} before its task`)
    })
  }

  /** The brain learns that an attempt could not be sent. */
  unsent(task: number, attempt: number): void {
    this.notSent.add(`${task}/${attempt}`)
  }

  // ------------------------------------------------------------ deaths

  /** A process has died or stands still so long. */
  troubled(forMs = 0): void {
    this.troubledMs = Math.max(this.troubledMs, this.world.nowMs + forMs)
  }

  private isTroubled(withinMs: number): boolean {
    return this.world.nowMs - this.troubledMs < withinMs
  }

  /** The core learns that this session has ended, and has these attempts there. */
  ends(session: number, attempts: readonly { task: number; attempt: number }[]): void {
    const open = this.sessions.get(session)
    if (open === undefined || !open.isHonest || this.isTroubled(troubleMs)) return
    for (const { task, attempt } of attempts) {
      const bytes = open.settled.get(`${task}/${attempt}`)
      if (bytes === undefined || bytes > quickBytes) continue
      this.fail(55, `attempt ${attempt} of task ${task} was settled, and is taken for lost`)
    }
  }
}
