/**
 * The desks of one edge: clients, answers and scouts as in a hub of one process, with the brain behind a link and other
 * edges beside. What concerns an attempt goes from who carries its answer to who holds its scout's socket and back,
 * wherever these are. Sockets, of either kind, are others' business.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import type { System } from '../../shared/system.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import { AnswerDesk } from '../engine/answer-desk.ts'
import { AnswerChecks } from '../engine/answers/answer-checks.ts'
import { AnswerHost } from '../engine/answers/answer-host.ts'
import { Relays } from '../engine/answers/relays.ts'
import { ClientDesk } from '../engine/client-desk.ts'
import { WorkCounter } from '../engine/counting/task-count.ts'
import { UsageBook } from '../engine/durability/usage-book.ts'
import { Numbers } from '../engine/numbers.ts'
import type { BrainPort, FromClients } from '../engine/ports/brain.ts'
import type { ChargedKey } from '../engine/ports/charged-key.ts'
import type { Answer, Begun, Submission } from '../engine/ports/client.ts'
import type { EngineDefect } from '../engine/ports/defect.ts'
import type { TellHeld } from '../engine/ports/ledger/held-requests.ts'
import type {
  AttemptEvents,
  AttemptLinks,
  ScoutEvents,
  ScoutLinks,
  Settlement,
  TaskGrant,
} from '../engine/ports/scouts.ts'
import { ScoutDesk } from '../engine/scout-desk.ts'
import { DefectGuard } from '../engine/writer/defect-guard.ts'
import { LiveLinks } from '../engine/writer/effects.ts'
import type { NumberKind, ToBrain, ToEdgeOf, ToPeer } from '../link/control.ts'
import { type AttemptMessage, deliver, isAttempt, isToClients, isToScouts, type ToEdge } from '../link/messages.ts'
import type { EdgeBefore, PresentedSession, PresentedTask } from '../link/presented.ts'
import { FarWitness } from './far-witness.ts'
import { OpenSessions } from './open-sessions.ts'
import { OpenTasks } from './open-tasks.ts'
import { Ways } from './ways.ts'

/** Nobody's fault, and free of charge. */
const edgeGone = fault('scout_draining', 'The part of the orchestrator that the scout was connected to is gone.')

/** As free of charge. */
const neverCame = fault('scout_draining', 'The scout was gone before this came there.')

const noBody = new Uint8Array(0)

/** Of a brain that does not come back in time. */
const noBrain = fault(
  'hub_overloaded',
  'The part of the orchestrator that decides is not there at the moment: send this request again.',
  { retryAfterMs: 2_000 },
)

interface EdgeDesksParts {
  system: System
  /** The gateway of this process. */
  links: ScoutLinks
  /** Whether a frame can hold this task. */
  canCarry: (grant: TaskGrant, request: Uint8Array) => boolean
  toBrain: (message: ToBrain, body?: Uint8Array | null) => void
  /** Nobody is to wait for a brain any longer. */
  isBrainMissed: () => boolean
  onDefect: (defect: EngineDefect) => void
  /** Whether the brain gives receipts of what is done here. */
  countsWork: boolean
  /** Whether tasks cost points. */
  costsPoints: boolean
  /** Whether somebody beside the brain judges answers. */
  showsAnswers: boolean
}

/** What the brain tells an edge that its desks need to know; the rest concerns the process. */
export type ToDesks =
  | ToEdge
  | AttemptMessage
  | Extract<ToEdgeOf, { type: 'numbers' | 'sessionsAt' | 'edgeGone' | 'begun' | 'clients' }>

export class EdgeDesks {
  /** To other edges. */
  readonly ways: Ways
  private readonly numbers: Record<NumberKind, Numbers>
  private readonly clients: ClientDesk
  private readonly answers: AnswerDesk
  private readonly scouts: ScoutDesk
  /** Attempts wherever their scouts' sockets are. */
  private readonly attempts: AttemptLinks
  private readonly book: UsageBook
  private readonly lane: TurnLane
  private readonly checks: AnswerChecks
  private readonly works: WorkCounter | null
  /** Requests of limited keys of which the brain has not said whether they may go on. */
  private readonly beginning = new Map<number, { key: ChargedKey; answer: (begun: Begun) => void }>()
  private lastRequest = 0
  /** What another brain would have to know. */
  private readonly openTasks: OpenTasks
  private readonly openSessions: OpenSessions
  /** Of the last brain to which this edge does not belong any more. */
  private pastEpoch = -1

  constructor(private readonly parts: EdgeDesksParts) {
    const { system, links, toBrain, onDefect, countsWork, costsPoints } = parts
    this.ways = new Ways({ send: toBrain })
    const wanting = (kind: NumberKind) => new Numbers(() => toBrain({ type: 'wantNumbers', kind }))
    this.numbers = { tasks: wanting('tasks'), sessions: wanting('sessions') }
    const guard = new DefectGuard(onDefect)
    this.lane = new TurnLane(system)
    this.openTasks = new OpenTasks(() => system.nowMs())
    const unsent = (session: number, task: number, attempt: number) => {
      toBrain({ type: 'unsent', session, task, attempt, fault: neverCame })
    }
    this.openSessions = new OpenSessions(links, () => this.scouts, unsent)
    // Nothing is decided in this process, so there is nothing to wait for.
    const brain: BrainPort = { fromClients: (message) => this.report(message), fromScouts: toBrain, flush() {} }
    this.scouts = new ScoutDesk({ brain, answers: this.carriers(), links: new LiveLinks(this.openSessions, guard) })
    const holders = this.holders()
    this.attempts = holders
    const tell: TellHeld = (operator, texts, isHeld) => toBrain({ type: 'heldTexts', operator, texts, isHeld })
    this.works = countsWork ? new WorkCounter(system, this.lane, { tell }) : null
    const host = new AnswerHost(brain, holders, this.works)
    const relays = new Relays()
    this.book = new UsageBook((sum) => toBrain({ type: 'usage', sum }), system)
    this.checks = new AnswerChecks(this.lane, (work) => guard.run('check of an answer', work))
    const { checks } = this
    const isLive = (session: number) => this.ways.isLive(session)
    this.answers = new AnswerDesk({ system, brain, scouts: holders, sinks: relays, checks, isLive })
    const nextTask = () => this.numbers.tasks.next()
    this.clients = new ClientDesk({ system, brain, relays, host, book: this.book, nextTask, costsPoints })
    if (parts.showsAnswers) this.clients.witness = new FarWitness(system, toBrain)
  }

  /** Where the gateway reports to. */
  get scoutEvents(): ScoutEvents {
    return this.openSessions
  }

  /** Long answers that wait to be checked, and bytes that are kept for who judges answers. */
  get held(): { answersInCheck: number; watchedBytes: number } {
    return { answersInCheck: this.checks.size, watchedBytes: this.clients.watched.held }
  }

  /** Only the brain knows what others have used of a rate. */
  begin({ id, tenant, account, scopes: { models }, limits, accountLimits }: ChargedKey): Promise<Begun> {
    const request = ++this.lastRequest
    const key = { id, tenant, account, scopes: { models }, limits, accountLimits }
    if (this.parts.isBrainMissed()) return Promise.resolve({ refused: noBrain, rates: () => [] })
    return new Promise((answer) => {
      this.beginning.set(request, { key, answer })
      this.parts.toBrain({ type: 'begin', request, key })
    })
  }

  private report(message: FromClients): void {
    this.openTasks.reported(message)
    if (message.type === 'submit' && this.parts.isBrainMissed()) return this.endTask(message.task, noBrain)
    this.parts.toBrain(message)
  }

  submit(submission: Submission): Answer {
    return this.clients.submit(submission)
  }

  /** A number for the next session of the gateway. */
  nextSession(): number {
    return this.numbers.sessions.next()
  }

  fromBrain(message: ToDesks, body: Uint8Array | null): void {
    if (isAttempt(message)) return deliver(message, body, this.scouts, this.answers)
    if (isToClients(message)) this.openTasks.heard(message)
    switch (message.type) {
      case 'numbers':
        return this.addNumbers(message.kind, message.from)
      case 'sessionsAt':
        return this.ways.sessionsAt(message.block, message.edge)
      case 'edgeGone':
        this.ways.part(message.edge)
        return this.scouts.carrierGone()
      case 'clients':
        return this.works?.watch(message.names)
      case 'begun': {
        const { request, refused, rates } = message
        this.beginning.get(request)?.answer({ refused, rates: () => rates })
        this.beginning.delete(request)
        return
      }
      case 'finished':
      case 'refused':
      case 'position':
        return this.clients.receive(message)
      case 'grant':
        // It is kept for as long as the attempt: a view, which a slice of a buffer is, would keep its whole frame.
        return this.answers.receive({ ...message, nonce: new Uint8Array(message.nonce) })
      case 'cancelAttempt':
        return this.attempts.cancel(message.session, message.task, message.attempt, message.reason)
      default:
        if (isToScouts(message)) this.scouts.receive(message)
        else this.answers.receive(message)
    }
  }

  /** From another edge. */
  fromPeer(edge: number, message: ToPeer, body: Uint8Array | null): void {
    if (!isAttempt(message)) return
    // The credit for it was presented to another brain, which has it given out anew.
    if (message.type === 'giveTask' && message.epoch <= this.pastEpoch) return
    this.ways.learn(edge, message)
    deliver(message, body, this.scouts, this.answers)
  }

  private addNumbers(kind: NumberKind, from: number): void {
    if (kind === 'tasks') this.ways.ownTasks(from)
    else this.ways.ownSessions(from)
    this.numbers[kind].add(from)
  }

  // ------------------------------------------------------------ another brain

  /** What is to be said of this edge to a brain that does not know it: its blocks of numbers, sessions and tasks. */
  present(): Omit<EdgeBefore, 'edge' | 'port'> & { held: PresentedSession[]; carried: PresentedTask[] } {
    this.pastEpoch = this.ways.epoch
    return { ...this.ways.ownBlocks(), held: this.openSessions.present(), carried: this.openTasks.present() }
  }

  /** The brain is gone. What was in the hands of too many that are gone ends here. */
  brainLost(): void {
    for (const task of this.openTasks.brainLost()) this.endTask(task, noBrain)
  }

  /** None came in time: nobody waits any longer for what only it can decide. Scouts go on with what they have. */
  brainMissed(): void {
    for (const task of this.openTasks.waiting()) {
      // A brain that has been told of it and has not answered yet may do so.
      this.parts.toBrain({ type: 'cancel', task, fault: noBrain })
      this.endTask(task, noBrain)
    }
    for (const { answer } of this.beginning.values()) answer({ refused: noBrain, rates: () => [] })
    this.beginning.clear()
  }

  /** The brain with this epoch decides from now on. */
  seated(epoch: number): void {
    this.ways.brainChanged(epoch)
  }

  /** Another one has been told of this edge; what the last one left unanswered is asked again. */
  brainFound(): void {
    for (const [request, { key }] of this.beginning) this.parts.toBrain({ type: 'begin', request, key })
    for (const numbers of Object.values(this.numbers)) numbers.askAgain()
  }

  private endTask(task: number, cause: Fault): void {
    this.fromBrain({ type: 'finished', task, fault: cause, attempts: 0, queuedMs: 0 }, null)
  }

  /** What is left for the books goes to the brain. */
  stop(): void {
    this.book.flush()
    this.lane.stop()
  }

  /** Who hold the sockets of scouts, here and at other edges. */
  private holders(): AttemptLinks {
    const { ways } = this
    const { canCarry, toBrain } = this.parts
    const holderOf = (session: number) => ways.holderOf(session, this.scouts)
    return {
      task(session, grant, request) {
        if (!canCarry(grant, request)) return false
        const holder = holderOf(session)
        if (holder !== null) holder.task(session, grant, request)
        else toBrain({ type: 'unsent', session, task: grant.task, attempt: grant.attempt, fault: edgeGone })
        return true
      },
      cancel: (session, task, attempt, reason) => holderOf(session)?.cancel(session, task, attempt, reason),
      flow: (session, task, attempt, paused) => holderOf(session)?.flow(session, task, attempt, paused),
      resumed: (session, task, attempt, nextChunk) => holderOf(session)?.resumed(session, task, attempt, nextChunk),
    }
  }

  /** Who carry answers: this edge, another one, or the brain. */
  private carriers(): AttemptEvents {
    const { ways } = this
    const { toBrain } = this.parts
    const carrierOf = (task: number) => ways.carrierOf(task, this.answers)
    return {
      chunk: (session, head, body) => carrierOf(head.task)?.chunk(session, head, body),
      settle: (session, settlement, body) => {
        const { credits } = settlement
        const carrier = carrierOf(settlement.task)
        // Its client is gone, and its scout waits for a verdict.
        const settle = (own: Settlement) => {
          if (carrier !== null) carrier.settle(session, own, body)
          else ways.lateCarrier.settle(session, own, noBody)
        }
        if (credits === 0) return settle(settlement)
        // A smaller offer would overtake credits that go another way or wait for a check, and an honest scout would
        // have too many; and what was presented to another brain is not to be counted twice.
        toBrain({ type: 'credit', session, count: credits })
        settle({ ...settlement, credits: 0 })
      },
      broken: (session, task, attempt, cause) => carrierOf(task)?.broken(session, task, attempt, cause),
      alive: (session, task, attempt) => (carrierOf(task) ?? ways.lateCarrier).alive(session, task, attempt),
    }
  }
}
