/**
 * Does the tasks. The link passes it the hub's frames; it assembles requests, has them answered as places become free,
 * settles each attempt once, and forgets it when the hub has acknowledged it. What is sent leaves from the work loop,
 * when a lease ends is the lease clock's, and the steps of one answer are in `answer-task.ts`.
 */
import PQueue from 'p-queue'
import type { AnswerKey } from '../../shared/answers/answer-keys.ts'
import { inlineBodyBytesMax } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import type { System } from '../../shared/system.ts'
import type { WorkFrame } from '../core/session.ts'
import type { Log } from '../log.ts'
import { AnswerSigning } from './answer-signing.ts'
import { type ProviderLookup, TaskAnswerer } from './answer-task.ts'
import { type AttemptOutput, keyOf } from './attempt-output.ts'
import { Inbox } from './inbox.ts'
import { type Due, LeaseClock } from './lease-clock.ts'
import type { Exit } from './outbox.ts'
import { RunningTask, type Stop } from './running-task.ts'
import { cancelled, handedBack, lateAnswer, ownDefect, type Settlement, tooMuchToTake } from './settlement.ts'
import { Tally } from './tally.ts'
import { WorkLoop } from './work-loop.ts'

/** The way to the hub, as the executor sees it. */
export interface ExecutorLink extends Exit {
  /** The hub broke the protocol: end this session. */
  violation(reason: string): void
}

interface ExecutorSettings {
  concurrency: number
  requestBytesMax: number
  /** With which answers are signed; absent where they are not. */
  signingKey?: AnswerKey | undefined
}

export class Executor {
  readonly tally = new Tally()
  /** Tasks taken and not yet settled. */
  private readonly running = new Map<string, RunningTask>()
  private readonly inbox: Inbox
  private readonly queue: PQueue
  private readonly loop: WorkLoop
  private readonly clock: LeaseClock
  private readonly answerer: TaskAnswerer
  private readonly signingKey: AnswerKey | null
  private draining = false

  constructor(
    private readonly system: System,
    private readonly link: ExecutorLink,
    providers: ProviderLookup,
    private readonly log: Log,
    { concurrency, requestBytesMax, signingKey }: ExecutorSettings,
    /** Of this scout; they do not leave it in error texts. */
    secrets: readonly string[] = [],
  ) {
    this.signingKey = signingKey ?? null
    this.queue = new PQueue({ concurrency })
    this.inbox = new Inbox(requestBytesMax, concurrency)
    this.loop = new WorkLoop(system, link, this.running, concurrency)
    this.clock = new LeaseClock(system, this.running, (task, due) => this.due(task, due))
    this.answerer = new TaskAnswerer(system, providers, log, (output) => this.loop.wrote(output), secrets)
  }

  /** Every lease still held, for the hello. */
  held(): FrameOf<'hello'>['held'] {
    this.clock.presented()
    return this.loop.outbox.held(this.system.nowMs())
  }

  get inFlight(): number {
    return this.running.size
  }

  // ---------------------------------------------------------------- what arrives

  welcomed(frame: FrameOf<'welcome'>): void {
    this.clock.welcomed()
    this.loop.demand.open(frame.creditMax)
    for (const output of this.loop.outbox.resume(frame.held)) this.forget(output)
    this.loop.wake()
  }

  lost(): void {
    this.loop.lost()
    for (const output of this.loop.outbox.cut()) this.forget(output)
    // The rest of a request never comes in another session.
    for (const task of [...this.running.values()]) if (task.phase === 'assembling') this.stop(task, 'forgotten')
  }

  work(frame: WorkFrame): void {
    this.clock.heard()
    switch (frame.type) {
      case 'task':
        return this.accept(frame)
      case 'fragment':
        return this.assemble(frame)
      case 'cancel': {
        const task = this.running.get(keyOf(frame.task, frame.attempt))
        if (task !== undefined) this.stop(task, cancelled)
        return
      }
      case 'flow':
        return this.running.get(keyOf(frame.task, frame.attempt))?.output.pause(frame.paused)
      case 'settled':
        this.acknowledged(frame.acks)
        return this.loop.wake()
      case 'ping':
        this.acknowledged(frame.acks)
        return this.loop.pinged(frame.ping)
      case 'hubDrain':
        return this.loop.demand.stop()
    }
  }

  /** Takes nothing more and hands back what has not begun; `onIdle` is called once all is settled and acknowledged. */
  drain(onIdle: () => void): void {
    this.draining = true
    for (const task of [...this.running.values()]) if (task.phase !== 'answering') this.stop(task, handedBack)
    this.loop.drain(onIdle)
  }

  /** Hands back what still runs. */
  handBack(): void {
    for (const task of [...this.running.values()]) this.stop(task, handedBack)
  }

  /** The scout is at its end: everything is dropped. */
  end(): void {
    this.loop.end()
    for (const task of [...this.running.values()]) this.stop(task, 'forgotten')
    this.clock.end()
  }

  private acknowledged(acks: FrameOf<'settled'>['acks']): void {
    for (const [task, attempt] of acks) {
      const output = this.loop.outbox.settled(task, attempt)
      if (output !== undefined) this.forget(output)
    }
  }

  // ---------------------------------------------------------------- one task, step by step

  private accept(frame: FrameOf<'task'>): void {
    const { task: id, attempt, body, size } = frame
    this.acknowledged(frame.acks)
    const key = keyOf(id, attempt)
    if (!this.loop.demand.use()) return this.link.violation('more tasks than credits')
    if (this.loop.outbox.has(id, attempt) || this.running.has(key)) {
      return this.link.violation('the same attempt twice')
    }
    if (body === null ? size <= inlineBodyBytesMax : size !== body.length) {
      return this.link.violation('task.size and task.body do not fit')
    }
    // Nonce and body are copied: they outlive the frame by far, and a view would keep the whole message.
    const output = this.loop.outbox.open(id, attempt, new Uint8Array(frame.nonce), this.signingOf(frame))
    const task = new RunningTask(frame, output, this.system.nowMs())
    this.running.set(key, task)
    this.log.debug({ task: id, attempt, model: frame.model }, 'Task accepted')
    this.clock.watch(task)
    if (this.draining) return this.stop(task, handedBack)
    if (body !== null) return this.enqueue(task, new Uint8Array(body))
    if (!this.inbox.expect(key, size)) this.stop(task, tooMuchToTake)
  }

  private signingOf({ salt, stream }: FrameOf<'task'>): AnswerSigning | null {
    if (!salt || this.signingKey === null) return null
    return new AnswerSigning(this.signingKey, new Uint8Array(salt), stream)
  }

  private assemble(frame: FrameOf<'fragment'>): void {
    const key = keyOf(frame.task, frame.attempt)
    const body = this.inbox.add(key, frame.index, frame.bytes)
    if (body === 'broken') return this.link.violation('a fragment is out of order or too long')
    const task = this.running.get(key)
    if (body !== null && task !== undefined) this.enqueue(task, body)
  }

  private enqueue(task: RunningTask, body: Uint8Array): void {
    task.body = body
    task.enter('queued')
    void this.queue.add(() => this.perform(task))
  }

  private async perform(task: RunningTask): Promise<void> {
    if (task.phase !== 'queued') return
    task.enter('answering')
    let settlement: Settlement
    try {
      settlement = await this.answerer.answer(task)
    } catch (error) {
      // Without a settlement the task would hold its place until the process ends.
      this.log.error({ task: task.task, error: String(error) }, 'A task met a defect of this scout')
      settlement = ownDefect
    }
    this.finish(task, settlement)
  }

  /** The only way a task ends. */
  private finish(task: RunningTask, settlement: Settlement): void {
    const { output } = task
    task.enter('over')
    this.running.delete(output.key)
    this.inbox.drop(output.key)
    const last = task.stop ?? settlement
    if (last === 'forgotten') return this.loop.wake()
    const nowMs = this.system.nowMs()
    output.settle(last, nowMs)
    this.tally.count(last)
    this.log.debug({ task: task.task, attempt: task.attempt, outcome: last.outcome, fault: last.fault }, 'Task settled')
    this.loop.outbox.limit(nowMs)
    this.loop.wrote(output)
  }

  /** Ends a task early. The first reason stands, but what was forgotten is never settled. */
  private stop(task: RunningTask, why: Stop): void {
    if (task.stop === null || why === 'forgotten') task.stop = why
    if (why === 'forgotten') this.loop.outbox.forget(task.output)
    if (task.phase === 'answering') task.abort()
    else if (task.phase !== 'over') this.finish(task, handedBack)
  }

  private due(task: RunningTask, due: Due): void {
    if (due === 'late') return this.stop(task, lateAnswer)
    this.log.debug({ task: task.task, attempt: task.attempt }, 'Lease expired without a sign of the hub')
    this.stop(task, 'forgotten')
  }

  private forget(output: AttemptOutput): void {
    const task = this.running.get(output.key)
    if (task !== undefined) this.stop(task, 'forgotten')
  }
}
