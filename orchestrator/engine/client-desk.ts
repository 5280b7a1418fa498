/**
 * The desk of clients: a submission that its key may make becomes a relay, from which its client pulls the answer, and
 * a message to the brain. When the brain says that a task is over, the relay ends, its tab is closed and its usage goes
 * into the books. What comes of the answer meanwhile passes through the desk of answers.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { requestDeadlineMs } from '../../shared/limits/scheduling.ts'
import type { System } from '../../shared/system.ts'
import { autoModel } from '../../shared/task.ts'
import { defaultRouting, type RoutingOptions } from '../core/model/routing-options.ts'
import { mayAskFor, unknownModel } from '../tenants/scopes.ts'
import type { AnswerSinkHost } from './answers/answer-sink.ts'
import { askedOf } from './answers/asked.ts'
import { answerId, Relay } from './answers/relay.ts'
import type { Relays } from './answers/relays.ts'
import type { AllowedModels } from './charges/allowed-models.ts'
import type { Charges } from './charges/charges.ts'
import { RefusedAnswer } from './charges/refused-answer.ts'
import type { UsageBook } from './durability/usage-book.ts'
import type { BrainPort, ToClients } from './ports/brain.ts'
import { type ChargedKey, unlimitedKey } from './ports/charged-key.ts'
import type { Answer, Submission } from './ports/client.ts'

/** Somebody waits in front of a screen: the middle of the scale that intents may use. */
const chatPriority = 5

interface ClientDeskParts {
  system: System
  brain: BrainPort
  relays: Relays
  host: AnswerSinkHost
  book: UsageBook
  charges: Charges
  allowed: AllowedModels
  /** A number that no task has had. */
  nextTask: () => number
}

/** What concerns a task as its client sees it. */
type TaskNews = Extract<ToClients, { type: 'finished' | 'position' }>

export class ClientDesk {
  constructor(private readonly parts: ClientDeskParts) {}

  submit(submission: Submission): Answer {
    const { brain, nextTask, relays, host, system } = this.parts
    const { tenant, kind, stream, body, key = unlimitedKey(tenant) } = submission
    const task = nextTask()
    const created = Math.floor(system.wallMs() / 1000)
    const model = this.modelFor(key, submission)
    const routing = routingFor(key, submission)
    const { requires } = routing
    const tab = mayAskFor(key.scopes, submission.model)
      ? this.parts.charges.open(key, { kind, model, requires, requestBytes: body.length }, () => askedOf(body))
      : unknownModel(submission.model)
    if ('code' in tab) return new RefusedAnswer(answerId(kind, task), created, tab)
    const { continues } = routing
    const count = host.works?.begin({ task, tenant, kind, isDirected: routing.only.length > 0 }) ?? null
    const relay = new Relay({ task, tenant, kind, stream, created, request: body, continues, tab, count }, host)
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

  /** What is asked of the core: for a restricted key that leaves the choice to the hub, one that it may use. */
  private modelFor({ scopes }: ChargedKey, { kind, model }: Submission): string {
    if (scopes.models === null || model !== autoModel) return model
    return this.parts.allowed.choose(scopes, kind) ?? model
  }

  /** From the brain. */
  receive(message: TaskNews): void {
    const { relays } = this.parts
    if (message.type === 'position') {
      const waiting = relays.get(message.task)
      if (waiting !== undefined) waiting.place = message.position
      return
    }
    const { task, fault: cause, queuedMs } = message
    const relay = relays.remove(task)
    if (relay === undefined) return
    relay.finish(cause, queuedMs)
    this.close(relay, cause)
  }

  private close(relay: Relay, cause: Fault | null): void {
    const { book, charges, brain } = this.parts
    const { tab, use, served, work } = relay
    if (work !== null) brain.fromClients({ type: 'worked', work })
    relay.microDollars = charges.close(tab, use, relay.usePrice)
    if (use !== null) book.add(tab.key, use, relay.microDollars)
    else if (cause !== null && cause.code !== 'cancelled') book.addFailed(tab.key, served?.model ?? '')
  }

  /** Ends what clients still wait for: the hub stops. */
  endAll(): void {
    const cause = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')
    const { brain, relays } = this.parts
    for (const task of relays.tasks()) brain.fromClients({ type: 'cancel', task, fault: cause })
  }
}

/** Shared while nothing was asked for: the core only reads it. */
function routingFor({ scopes }: ChargedKey, { routing }: Submission): RoutingOptions {
  const asked = routing === undefined ? defaultRouting : { ...defaultRouting, ...routing }
  if (scopes.models === null) return asked
  return { ...asked, requires: { ...asked.requires, models: scopes.models } }
}
