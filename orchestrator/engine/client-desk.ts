/**
 * The clients' side of the engine: a submission becomes a relay, from which its client pulls the answer, and an event
 * for the writer. It numbers the tasks of clients and intents alike.
 */
import { fault } from '../../shared/faults.ts'
import { requestDeadlineMs } from '../../shared/limits/scheduling.ts'
import type { System } from '../../shared/system.ts'
import { defaultRouting } from '../core/model/routing-options.ts'
import type { AnswerSinkHost } from './answers/answer-sink.ts'
import { Relay } from './answers/relay.ts'
import type { Relays } from './answers/relays.ts'
import type { Answer, Submission } from './ports/client.ts'
import type { Writer } from './writer/writer.ts'

/** Somebody waits in front of a screen: the middle of the scale that intents may use. */
const chatPriority = 5

/** Numbers for tasks, unique across restarts: each epoch has a range of its own. */
export class TaskNumbers {
  private last: number

  constructor(epoch: number) {
    this.last = epoch * 2 ** 32 - 1
  }

  next(): number {
    return ++this.last
  }
}

interface ClientDeskParts {
  system: System
  writer: Writer
  relays: Relays
  host: AnswerSinkHost
  numbers: TaskNumbers
}

export class ClientDesk {
  constructor(private readonly parts: ClientDeskParts) {}

  submit(submission: Submission): Answer {
    const { writer, numbers, relays, host, system } = this.parts
    const { tenant, kind, model, stream, body } = submission
    const task = numbers.next()
    // Shared while nothing was asked for: the core only reads it.
    const routing = submission.routing === undefined ? defaultRouting : { ...defaultRouting, ...submission.routing }
    const created = Math.floor(system.wallMs() / 1000)
    const relay = new Relay({ task, tenant, kind, stream, created, request: body, continues: routing.continues }, host)
    relays.add(relay)
    const deadlineMs = Math.min(submission.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    const weight = submission.weight ?? 1
    const priority = chatPriority
    const promptBytes = body.length
    writer.add({
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

  /** Ends what clients still wait for: the hub stops. */
  endAll(): void {
    const cause = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')
    for (const task of this.parts.relays.tasks()) this.parts.writer.add({ type: 'cancel', task, fault: cause })
  }
}
