/**
 * The desk of clients: a submission becomes a relay, from which its client pulls the answer, and a message to the
 * brain, which refuses it where a limit of its key says so. When the brain says that a task is over, the relay ends,
 * the brain learns what was used, and that goes into the books. What comes of the answer meanwhile passes through the
 * desk of answers.
 */
import { ByteAccount } from '../../shared/byte-account.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import { isAudited } from '../../shared/keys/key-terms.ts'
import { requestDeadlineMs } from '../../shared/limits/scheduling.ts'
import { witnessedBytesInAllMax, witnessedBytesPerOperatorMax } from '../../shared/limits/trust/audits.ts'
import { anyPeerOperator } from '../../shared/scouts/scout-id.ts'
import type { System } from '../../shared/system.ts'
import type { TaskKind } from '../../shared/task.ts'
import { defaultRouting, type RoutingOptions } from '../core/model/routing-options.ts'
import { mayAskFor, unknownModel } from '../tenants/scopes.ts'
import { isLimited } from '../tenants/tenants.ts'
import type { AnswerSinkHost } from './answers/answer-sink.ts'
import { askedOf } from './answers/asked.ts'
import { Relay } from './answers/relay.ts'
import type { Relays } from './answers/relays.ts'
import { AnswerWatch } from './answers/watch/answer-watch.ts'
import { costOf, sizeOf } from './charges/charges.ts'
import type { UsageBook } from './durability/usage-book.ts'
import type { BrainPort, ToClients } from './ports/brain.ts'
import { type Charge, type ChargedKey, unlimitedKey } from './ports/charged-key.ts'
import type { Answer, Submission } from './ports/client.ts'
import { type AnswerObserver, auditTenant } from './ports/trust/witness.ts'

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
  /** Whether tasks cost points, so that the size of every request is told. */
  costsPoints: boolean
}

/** What concerns a task as its client sees it. */
type TaskNews = Extract<ToClients, { type: 'finished' | 'refused' | 'position' }>

export class ClientDesk {
  /** Who looks at answers; null for nobody. */
  witness: AnswerObserver | null = null

  /** What is kept of answers that somebody looks at. */
  readonly watched = new ByteAccount(witnessedBytesInAllMax, witnessedBytesPerOperatorMax)

  constructor(private readonly parts: ClientDeskParts) {}

  submit(submission: Submission): Answer {
    const { brain, nextTask, relays, host, system, costsPoints } = this.parts
    const { tenant, kind, stream, body, asker, key = unlimitedKey(tenant) } = submission
    const task = nextTask()
    const created = Math.floor(system.wallMs() / 1000)
    const { model } = submission
    const routing = routingFor(key, submission)
    const { continues } = routing
    const deadlineMs = Math.min(submission.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    // What is asked in order to judge an answer is not judged once more here: who asked does that.
    const witness = tenant === auditTenant ? null : this.witness
    const isDirected = routing.only.length > 0
    const isShown = isAudited(key.scopes)
    const watch =
      witness && new AnswerWatch(witness, tenant, kind, body, stream, deadlineMs, isDirected, isShown, this.watched)
    const count = host.works?.begin({ task, tenant, kind, isDirected, ...(asker !== undefined && { asker }) }) ?? null
    const options = { task, tenant, kind, stream, created, request: body, continues, key, watch, count }
    const relay = new Relay(options, host)
    if (!mayAskFor(key.scopes, model)) {
      relay.refuse(unknownModel(model))
      return relay
    }
    relays.add(relay)
    const weight = submission.weight ?? 1
    const priority = submission.priority ?? chatPriority
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
      charge: chargeFor(key, kind, body, costsPoints),
    })
    return relay
  }

  /** From the brain. */
  receive(message: TaskNews): void {
    const { relays } = this.parts
    if (message.type === 'position') {
      const waiting = relays.get(message.task)
      if (waiting !== undefined) waiting.place = message.position
      return
    }
    const relay = relays.remove(message.task)
    if (relay === undefined) return
    const { fault: cause } = message
    // Nothing was set aside for it, and it counts nowhere.
    if (message.type === 'refused') return relay.refuse(message.fault)
    relay.finish(cause, message.queuedMs)
    this.close(relay, cause)
  }

  private close(relay: Relay, cause: Fault | null): void {
    const { book, brain, costsPoints } = this.parts
    const { task, key, kind, use, served, usePrice, work } = relay
    if (work !== null) brain.fromClients({ type: 'worked', work })
    const microDollars = use === null ? 0 : costOf(use, usePrice)
    relay.microDollars = microDollars
    if (use !== null || costsPoints || isLimited(key)) {
      const { id, account } = key
      brain.fromClients({ type: 'used', task, payer: { id, account }, kind, use, microDollars })
    }
    if (use !== null) book.add(key, use, microDollars)
    else if (cause !== null && cause.code !== 'cancelled') book.addFailed(key, served?.model ?? '')
  }

  /** Ends what clients still wait for: the hub stops. */
  endAll(): void {
    const cause = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')
    const { brain, relays } = this.parts
    for (const task of relays.tasks()) brain.fromClients({ type: 'cancel', task, fault: cause })
  }
}

/** Null where nothing counts and nothing is to be chosen; only then is nothing read of the request. */
function chargeFor(key: ChargedKey, kind: TaskKind, body: Uint8Array, costsPoints: boolean): Charge | null {
  const { id, tenant, account, limits, accountLimits } = key
  const isCounted = costsPoints || isLimited(key)
  if (!isCounted && key.scopes.models === null) return null
  const scopes = { models: key.scopes.models }
  const size = isCounted ? sizeOf(askedOf(body), body.length, kind) : null
  return { key: { id, tenant, account, scopes, limits, accountLimits }, size }
}

/** Shared while nothing was asked for: the core only reads it. */
function routingFor({ scopes }: ChargedKey, { routing }: Submission): RoutingOptions {
  const wished = routing === undefined ? defaultRouting : { ...defaultRouting, ...routing }
  // Another hub would show it to its own scouts, as any request.
  const asked = isAudited(scopes) ? wished : { ...wished, ignore: [...wished.ignore, anyPeerOperator] }
  if (scopes.models === null) return asked
  return { ...asked, requires: { ...asked.requires, models: scopes.models } }
}
