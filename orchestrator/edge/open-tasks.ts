/**
 * What an edge knows of the tasks whose answers it carries, so that another brain can take them over: it listens to
 * what goes to the brain and what comes from there. A task stays until the brain ends it.
 */
import { brainLossesMax } from '../../shared/limits/process.ts'
import { sameNonce } from '../core/model/nonce.ts'
import type { FromClients, ToClients } from '../engine/ports/brain.ts'
import type { PresentedLease, PresentedTask } from '../link/presented.ts'

type Submitted = PresentedTask['submitted']

interface OpenTask {
  submitted: Submitted
  submittedMs: number
  attempt: number
  queuedMs: number
  leases: PresentedLease[]
  began: FromClients | null
  cancel: FromClients | null
  /** Brains that ended while it was open. */
  losses: number
}

export class OpenTasks {
  private readonly tasks = new Map<number, OpenTask>()

  constructor(private readonly nowMs: () => number) {}

  /** On its way to the brain, or kept from it while there is none. */
  reported(message: FromClients): void {
    if (message.type === 'submit') return this.add(message)
    if (!('task' in message)) return
    const open = this.tasks.get(message.task)
    if (open === undefined) return
    switch (message.type) {
      case 'cancel':
        open.cancel = message
        return
      case 'contentBegan':
        open.began = message
        return
      case 'settle':
      case 'attemptBroken':
      case 'unsent':
        return end(open, message.attempt, message)
    }
  }

  private add(submitted: Submitted): void {
    this.tasks.set(submitted.task, {
      submitted,
      submittedMs: this.nowMs(),
      ...{ attempt: 0, queuedMs: 0, leases: [], began: null, cancel: null, losses: 0 },
    })
  }

  /** From the brain. */
  heard(message: ToClients): void {
    if (message.type === 'finished' || message.type === 'refused') return void this.tasks.delete(message.task)
    const open = this.tasks.get(message.task)
    if (open === undefined) return
    switch (message.type) {
      case 'grant': {
        const { session, attempt, nonce, served, queuedMs } = message
        const { model, provider } = served
        open.leases.push({ session, attempt, nonce: new Uint8Array(nonce), model, provider, ends: [] })
        open.attempt = attempt
        open.queuedMs = queuedMs
        return
      }
      case 'servedBy': {
        const lease = open.leases.find(({ attempt }) => attempt === message.attempt)
        if (lease !== undefined) lease.provider = message.served.provider
        return
      }
      case 'resume': {
        const lease = open.leases.find(({ attempt }) => attempt === message.attempt)
        if (lease !== undefined) lease.session = message.session
        return
      }
      case 'attemptVoid':
        open.leases = open.leases.filter(({ attempt }) => attempt !== message.attempt)
        if (open.began !== null && 'attempt' in open.began && open.began.attempt === message.attempt) open.began = null
    }
  }

  /** Those that no scout has. */
  waiting(): number[] {
    return [...this.tasks].filter(([, { leases }]) => leases.length === 0).map(([task]) => task)
  }

  /**
   * Another brain is gone. What may have been the reason each time is not presented again: the tasks to be ended here.
   */
  brainLost(): number[] {
    const worn: number[] = []
    for (const [task, open] of this.tasks) if (++open.losses > brainLossesMax) worn.push(task)
    return worn
  }

  /** All of them. */
  present(): PresentedTask[] {
    const nowMs = this.nowMs()
    return [...this.tasks.values()].map(({ submitted, submittedMs, losses: _losses, ...open }) => {
      // With a deadline that has passed it still begins, and ends at the next tick.
      const deadlineMs = Math.max(1, submitted.deadlineMs - (nowMs - submittedMs))
      return { ...open, submitted: { ...submitted, deadlineMs } }
    })
  }
}

/**
 * All that was reported counts, in its order: an answer that broke off ends with that, and the settlement behind it is
 * what its scout waits for a verdict on. What is repeated, or comes from somebody else, changes nothing.
 */
function end({ leases }: OpenTask, attempt: number, report: PresentedLease['ends'][number]): void {
  const lease = leases.find((one) => one.attempt === attempt)
  if (lease === undefined || lease.ends.some(({ type }) => type === report.type)) return
  if (report.type !== 'settle') return void lease.ends.push(report)
  const { session, nonce } = lease
  if (report.session !== session || !sameNonce(report.nonce, nonce)) return
  // Its credits are counted with the session; the nonce that came along is a view of its frame.
  lease.ends.push({ ...report, credits: 0, nonce })
}
