/**
 * The desk of clients: a submission becomes a relay, from which its client pulls the answer, and a message to the
 * brain. When the brain says that a task is over, the relay ends and its usage goes into the books. What comes of the
 * answer meanwhile passes through the desk of answers.
 */
import { fault } from '../../shared/faults.ts'
import { requestDeadlineMs } from '../../shared/limits/scheduling.ts'
import type { System } from '../../shared/system.ts'
import { defaultRouting } from '../core/model/routing-options.ts'
import type { AnswerSinkHost } from './answers/answer-sink.ts'
import { Relay } from './answers/relay.ts'
import type { Relays } from './answers/relays.ts'
import type { UsageBook } from './durability/usage-book.ts'
import type { BrainPort, ToClients } from './ports/brain.ts'
import type { Answer, Submission } from './ports/client.ts'

/** Somebody waits in front of a screen: the middle of the scale that intents may use. */
const chatPriority = 5

interface ClientDeskParts {
  system: System
  brain: BrainPort
  relays: Relays
  host: AnswerSinkHost
  book: UsageBook
  /** A number that no task has had. */
  nextTask: () => number
}

/** What concerns a task as its client sees it. */
type TaskNews = Extract<ToClients, { type: 'finished' | 'position' }>

export class ClientDesk {
  constructor(private readonly parts: ClientDeskParts) {}

  submit(submission: Submission): Answer {
    const { brain, nextTask, relays, host, system } = this.parts
    const { tenant, kind, model, stream, body } = submission
    const task = nextTask()
    // Shared while nothing was asked for: the core only reads it.
    const routing = submission.routing === undefined ? defaultRouting : { ...defaultRouting, ...submission.routing }
    const created = Math.floor(system.wallMs() / 1000)
    const relay = new Relay({ task, tenant, kind, stream, created, request: body, continues: routing.continues }, host)
    relays.add(relay)
    const deadlineMs = Math.min(submission.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    const weight = submission.weight ?? 1
    const priority = chatPriority
    const promptBytes = body.length
    brain.fromClients({
      type: 'submit',
      task,
      tenant,
      weight,
      priority,
      kind,
      model,
      stream,
      promptBytes,
      deadlineMs,
      routing,
    })
    return relay
  }

  /** From the brain. */
  receive(message: TaskNews): void {
    const { relays, book } = this.parts
    if (message.type === 'position') {
      const waiting = relays.get(message.task)
      if (waiting !== undefined) waiting.place = message.position
      return
    }
    const { task, fault: cause, queuedMs } = message
    const relay = relays.remove(task)
    if (relay === undefined) return
    relay.finish(cause, queuedMs)
    if (relay.isDone && relay.served !== null) book.add(relay.tenant, relay.served.model, relay.usage)
  }

  /** Ends what clients still wait for: the hub stops. */
  endAll(): void {
    const cause = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')
    const { brain, relays } = this.parts
    for (const task of relays.tasks()) brain.fromClients({ type: 'cancel', task, fault: cause })
  }
}
