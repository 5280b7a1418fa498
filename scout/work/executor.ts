/**
 * Does the tasks. The link hands it the hub's frames; it assembles the request, asks a provider, writes the answer into
 * the outbox and settles. All that it says to the hub leaves from one work loop (`turn`), pongs included, so that a
 * pong proves that work moves. It keeps the leases' clock; dialing and greeting are not its business.
 */
import PQueue from 'p-queue'
import { type Fault, fault } from '../../shared/faults.ts'
import { abortGraceMs, startedAfterMs } from '../../shared/limits/scout.ts'
import { bodyBytesMax, concurrencyMax, inlineBodyBytesMax } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { TaskKind } from '../../shared/task.ts'
import { Demand } from '../core/demand.ts'
import type { WorkFrame } from '../core/session.ts'
import type { Log } from '../log.ts'
import { type AnswerWriter, type Provider, type ProviderAnswer, ProviderError } from '../providers/provider.ts'
import { keyOf, type Outgoing } from './attempt-output.ts'
import { Inbox } from './inbox.ts'
import { type Exit, Outbox } from './outbox.ts'
import { Tries } from './provider-attempts.ts'
import { Run, type Stop } from './running-task.ts'
import { answerTooLarge, cancelled, done, type Ending, handedBack, lateAnswer, tooMuchAtOnce } from './settlement.ts'
import { Tally } from './tally.ts'

/** The way to the hub, as the executor sees it. */
export interface ExecutorLink extends Exit {
  /** The hub broke the protocol: end this session. */
  violation(reason: string): void
}

/** One that serves a model; `pausedMs` is for how long its service still wants no request for it. */
export interface Candidate {
  provider: Provider
  pausedMs: number
}

export interface ProviderLookup {
  /** Who serves a model, in order of preference. */
  providersOf(kind: TaskKind, model: string): Candidate[]
  /** A provider failed so: its limits, its key, its models may not be what they were. */
  failed(provider: Provider, kind: TaskKind, model: string, cause: Fault): void
  /** A provider answered, and wants no more requests for this model for so long. */
  exhausted(provider: Provider, kind: TaskKind, model: string, pauseMs: number): void
}

export class Executor {
  readonly tally = new Tally()
  private readonly outbox: Outbox
  private readonly inbox = new Inbox()
  private readonly demand: Demand
  private readonly queue: PQueue
  private readonly runs = new Map<string, Run>()
  /** The newest ping not yet answered. */
  private ping: number | null = null
  private turnDue = false
  private retry: Timer | null = null
  private watch: { timer: Timer; dueMs: number } | null = null
  private heardMs: number
  /** Set once the scout drains: what to do when nothing is left. */
  private onIdle: (() => void) | null = null

  constructor(
    private readonly system: System,
    private readonly link: ExecutorLink,
    private readonly providers: ProviderLookup,
    private readonly log: Log,
    concurrency: number,
  ) {
    this.outbox = new Outbox(link, () => this.invite())
    this.demand = new Demand(concurrency)
    this.queue = new PQueue({ concurrency })
    this.heardMs = system.nowMs()
  }

  /** Every lease still held, for the hello. */
  held(): FrameOf<'hello'>['held'] {
    return this.outbox.held(this.system.nowMs())
  }

  /** Tasks taken and not yet settled. */
  get inFlight(): number {
    return this.runs.size
  }

  // ---------------------------------------------------------------- what the link says

  welcomed(frame: FrameOf<'welcome'>): void {
    this.heardMs = this.system.nowMs()
    this.demand.open(frame.creditMax)
    for (const outgoing of this.outbox.resume(frame.held)) this.forget(outgoing)
    this.wake()
  }

  lost(): void {
    this.demand.close()
    this.ping = null
    for (const outgoing of this.outbox.cut()) this.forget(outgoing)
    // The rest of a request never comes in another session.
    for (const run of [...this.runs.values()]) if (run.phase === 'assembling') this.stop(run, 'forgotten')
  }

  work(frame: WorkFrame): void {
    this.heardMs = this.system.nowMs()
    switch (frame.type) {
      case 'task':
        return this.accept(frame)
      case 'fragment':
        return this.assemble(frame)
      case 'cancel': {
        const run = this.runs.get(keyOf(frame.task, frame.attempt))
        if (run !== undefined) this.stop(run, cancelled)
        return
      }
      case 'flow':
        return this.runs.get(keyOf(frame.task, frame.attempt))?.outgoing.pause(frame.paused)
      case 'settled':
        this.acknowledged(frame.acks)
        return this.wake()
      case 'ping':
        this.acknowledged(frame.acks)
        this.ping = frame.ping
        return this.wake()
      case 'hubDrain':
        return this.demand.stop()
    }
  }

  /** Takes nothing more and hands back what has not begun; `onIdle` is called once all is settled and acknowledged. */
  drain(onIdle: () => void): void {
    this.onIdle = onIdle
    this.demand.stop()
    for (const run of [...this.runs.values()]) if (run.phase !== 'answering') this.stop(run, handedBack)
    this.wake()
  }

  /** Hands back what still runs. */
  handBack(): void {
    for (const run of [...this.runs.values()]) this.stop(run, handedBack)
  }

  /** The scout is at its end: everything is dropped. */
  end(): void {
    this.onIdle = null
    for (const run of [...this.runs.values()]) this.stop(run, 'forgotten')
    this.watch?.timer.cancel()
    this.retry?.cancel()
  }

  private acknowledged(acks: FrameOf<'settled'>['acks']): void {
    for (const [task, attempt] of acks) {
      const outgoing = this.outbox.settled(task, attempt)
      if (outgoing !== undefined) this.forget(outgoing)
    }
  }

  // ---------------------------------------------------------------- one task, step by step

  private accept(frame: FrameOf<'task'>): void {
    const { task, attempt, body, size } = frame
    this.acknowledged(frame.acks)
    const key = keyOf(task, attempt)
    if (!this.demand.use()) return this.link.violation('more tasks than credits')
    if (this.outbox.has(task, attempt) || this.runs.has(key)) return this.link.violation('the same attempt twice')
    if (body === null ? size <= inlineBodyBytesMax : size !== body.length) {
      return this.link.violation('task.size and task.body do not fit')
    }
    // Copied, because it outlives the frame by far.
    const outgoing = this.outbox.open(task, attempt, new Uint8Array(frame.nonce))
    const run = new Run(frame, outgoing, this.system.nowMs())
    this.runs.set(key, run)
    this.log.debug({ task, attempt, model: frame.model }, 'Task accepted')
    this.keepWatch(run.dueMs(this.heardMs))
    if (this.onIdle !== null) return this.stop(run, handedBack)
    if (body !== null) return this.enqueue(run, body)
    if (!this.inbox.expect(key, size)) this.stop(run, tooMuchAtOnce)
  }

  private assemble(frame: FrameOf<'fragment'>): void {
    const key = keyOf(frame.task, frame.attempt)
    const body = this.inbox.add(key, frame.index, frame.bytes)
    if (body === 'broken') return this.link.violation('a fragment is out of order or too long')
    const run = this.runs.get(key)
    if (body !== null && run !== undefined) this.enqueue(run, body)
  }

  private enqueue(run: Run, body: Uint8Array): void {
    run.body = body
    run.enter('queued')
    void this.queue.add(() => this.perform(run))
  }

  private async perform(run: Run): Promise<void> {
    if (run.phase !== 'queued') return
    run.enter('answering')
    this.finish(run, await this.answer(run))
  }

  /** Asks one provider after the other, until one has answered or another try would not help. */
  private async answer(run: Run): Promise<Ending> {
    const { kind, model } = run.frame
    const silence = this.system.after(startedAfterMs, () => {
      run.outgoing.tellIfSilent()
      this.wrote(run.outgoing)
    })
    try {
      return await this.tryAll(run, kind, model)
    } finally {
      silence.cancel()
    }
  }

  private async tryAll(run: Run, kind: TaskKind, model: string): Promise<Ending> {
    const tries = new Tries(model)
    for (const [at, { provider, pausedMs }] of this.providers.providersOf(kind, model).entries()) {
      if (pausedMs > 0) {
        const message = `${provider.name} is at its rate limit`
        tries.add(fault('provider_rate_limited', message, { retryAfterMs: pausedMs }))
        continue
      }
      try {
        run.outgoing.asks(provider.name, at === 0)
        this.wrote(run.outgoing)
        const { json, pauseMs } = await this.ask(provider, run)
        if (pauseMs !== undefined) this.providers.exhausted(provider, kind, model, pauseMs)
        return done(json)
      } catch (error) {
        if (run.stop !== null) break
        const cause = this.faultOf(error, provider, run)
        tries.add(cause)
        this.providers.failed(provider, kind, model, cause)
        if (tries.isFinal(run.outgoing.lines > 0)) break
      }
    }
    return tries.ending(run.outgoing.lines > 0)
  }

  /** The provider's answer; after an abort it has a moment to end, then this rejects whether it has or not. */
  private ask(provider: Provider, run: Run): Promise<ProviderAnswer> {
    const { body, frame, signal } = run
    const { kind, model, stream } = frame
    return new Promise((resolve, reject) => {
      const abandon = () => this.system.after(abortGraceMs, () => reject(signal.reason))
      if (signal.aborted) abandon()
      else signal.addEventListener('abort', abandon, { once: true })
      const call = async () => provider.answer({ kind, model, stream, body }, this.writerOf(run), signal)
      call().then(resolve, reject)
    })
  }

  private writerOf(run: Run): AnswerWriter {
    const { outgoing, signal } = run
    return {
      line: async (json) => {
        signal.throwIfAborted()
        // Also a provider that goes on after its answer ends up here.
        if (run.phase !== 'answering') throw new Error('this attempt is over')
        if (Buffer.byteLength(json) >= bodyBytesMax) {
          throw new ProviderError(fault('answer_too_large', answerTooLarge))
        }
        outgoing.line(json)
        this.wrote(outgoing)
        while (outgoing.held && !signal.aborted) await outgoing.change()
        signal.throwIfAborted()
      },
    }
  }

  private faultOf(error: unknown, provider: Provider, run: Run): Fault {
    const { task, attempt } = run.frame
    const facts = { task, attempt, provider: provider.name }
    if (error instanceof ProviderError) {
      this.log.debug({ ...facts, fault: error.fault.code }, `Provider ${provider.name} failed: ${error.message}`)
      return error.fault
    }
    this.log.error(
      { ...facts, error: String(error) },
      `Provider ${provider.name} failed in a way its adapter does not know`,
    )
    return fault('scout_error', `The scout's adapter for ${provider.name} failed unexpectedly.`)
  }

  /** The only way a run ends. */
  private finish(run: Run, ending: Ending): void {
    const { outgoing } = run
    run.enter('over')
    this.runs.delete(outgoing.key)
    this.inbox.drop(outgoing.key)
    const last = run.stop ?? ending
    if (last === 'forgotten') return this.wake()
    const nowMs = this.system.nowMs()
    outgoing.settle(last, nowMs)
    this.tally.count(last)
    const { task, attempt } = outgoing
    this.log.debug({ task, attempt, outcome: last.outcome, fault: last.fault }, 'Task settled')
    this.outbox.limit(nowMs)
    this.wrote(outgoing)
  }

  /** Ends a run early. The first reason stands, but what was forgotten is never spoken of. */
  private stop(run: Run, why: Stop): void {
    if (run.stop === null || why === 'forgotten') run.stop = why
    if (why === 'forgotten') this.outbox.forget(run.outgoing)
    if (run.phase === 'answering') run.abort()
    else if (run.phase !== 'over') this.finish(run, handedBack)
  }

  private forget(outgoing: Outgoing): void {
    const run = this.runs.get(outgoing.key)
    if (run !== undefined) this.stop(run, 'forgotten')
  }

  // ---------------------------------------------------------------- the work loop

  private wrote(outgoing: Outgoing): void {
    this.outbox.wrote(outgoing)
    this.wake()
  }

  private wake(): void {
    if (this.turnDue) return
    this.turnDue = true
    this.system.soon(() => this.turn())
  }

  private turn(): void {
    this.turnDue = false
    const waitMs = Math.min(this.outbox.pump(), this.grant())
    if (this.ping !== null)
      this.link.send({ type: 'pong', ping: this.ping, running: Math.min(this.runs.size, concurrencyMax) })
    this.ping = null
    if (this.onIdle !== null && this.runs.size === 0 && this.outbox.size === 0) return this.onIdle()
    if (waitMs === 0) return this.wake()
    if (waitMs === Number.POSITIVE_INFINITY || this.retry !== null) return
    this.retry = this.system.after(waitMs, () => {
      this.retry = null
      this.wake()
    })
  }

  /** Invites more work. Returns when to try again, Infinity when there is nothing to grant. */
  private grant(): number {
    const waitMs = this.link.waitMs(false, 0)
    if (waitMs > 0) return waitMs
    const count = this.invite()
    if (count > 0) this.link.send({ type: 'credit', count })
    return Number.POSITIVE_INFINITY
  }

  /** How many tasks there is room for beyond those already invited. */
  private invite(): number {
    // A settlement still on its way holds its place at the hub, so it does here.
    return this.demand.ask(this.runs.size + this.outbox.unsentSettlements)
  }

  // ---------------------------------------------------------------- the leases' clock

  private keepWatch(dueMs: number): void {
    if (this.watch !== null && this.watch.dueMs <= dueMs) return
    this.watch?.timer.cancel()
    const timer = this.system.after(Math.max(0, dueMs - this.system.nowMs()), () => this.expire())
    this.watch = { timer, dueMs }
  }

  private expire(): void {
    this.watch = null
    const nowMs = this.system.nowMs()
    for (const run of [...this.runs.values()]) {
      if (run.stop !== null) continue
      if (nowMs >= run.deadlineAtMs) this.stop(run, lateAnswer)
      else if (nowMs >= run.dueMs(this.heardMs)) this.expired(run)
    }
    let dueMs = Number.POSITIVE_INFINITY
    for (const run of this.runs.values()) if (run.stop === null) dueMs = Math.min(dueMs, run.dueMs(this.heardMs))
    if (dueMs !== Number.POSITIVE_INFINITY) this.keepWatch(dueMs)
  }

  private expired(run: Run): void {
    const { task, attempt } = run.frame
    this.log.debug({ task, attempt }, 'Lease expired without a sign of the hub')
    this.stop(run, 'forgotten')
  }
}
