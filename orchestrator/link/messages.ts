/**
 * What processes of one hub send each other: the ports of the engine as messages. The brain and its edges exchange the
 * messages of `engine/ports/brain.ts` as they are, and all of them those of this file, which concern one attempt and go
 * between who carries its answer and who holds the socket of its scout. Bodies travel beside their message.
 */
import type { Fault } from '../../shared/faults.ts'
import type { FromClients, FromScouts, ToClients, ToScouts } from '../engine/ports/brain.ts'
import type { AttemptEvents, AttemptLinks, ChunkHead, Settlement, TaskGrant } from '../engine/ports/scouts.ts'
import type { Link } from './link.ts'

/** To who holds the socket of the session. */
type ToHolder =
  /** With the request. `epoch`: of the brain that has decided it. */
  | { type: 'giveTask'; session: number; epoch: number; grant: TaskGrant }
  | { type: 'cancelWork'; session: number; task: number; attempt: number; reason: string }
  | { type: 'flow'; session: number; task: number; attempt: number; paused: boolean }
  | { type: 'resumed'; session: number; task: number; attempt: number; nextChunk: number }

/** To who carries the answer of the task. */
type ToCarrier =
  /** With its body, as the next. */
  | { type: 'chunk'; session: number; head: ChunkHead }
  | { type: 'settlement'; session: number; settlement: Settlement }
  | { type: 'brokenBody'; session: number; task: number; attempt: number; fault: Fault }
  | { type: 'aliveBody'; session: number; task: number; attempt: number }

export type AttemptMessage = ToHolder | ToCarrier

/** The ways of one link on which such messages leave. */
type Sender = Pick<Link<never, AttemptMessage>, 'send'>

const none = new Uint8Array(0)

/** The holder of a session at the other end of a link; `epoch` is that of the brain that decides now. */
export function holderOver(
  link: Sender,
  epoch: () => number,
): Omit<AttemptLinks, 'task'> & {
  task(session: number, grant: TaskGrant, request: Uint8Array): void
} {
  return {
    task(session, { task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs, salt }, request) {
      const terms = { task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs }
      const grant = salt === undefined ? terms : { ...terms, salt }
      link.send({ type: 'giveTask', session, epoch: epoch(), grant }, request)
    },
    cancel: (session, task, attempt, reason) => link.send({ type: 'cancelWork', session, task, attempt, reason }),
    flow: (session, task, attempt, paused) => link.send({ type: 'flow', session, task, attempt, paused }),
    resumed: (session, task, attempt, nextChunk) => {
      link.send({ type: 'resumed', session, task, attempt, nextChunk })
    },
  }
}

/** The carrier of an answer at the other end of a link. */
export function carrierOver(link: Sender): AttemptEvents {
  return {
    // Only these fields: a decoded frame has its body in it, too.
    chunk: (session, { task, attempt, seq, offset }, body) => {
      link.send({ type: 'chunk', session, head: { task, attempt, seq, offset } }, body)
    },
    settle(session, settlement, body) {
      const { task, attempt, nonce, outcome, chunks, provider, credits } = settlement
      const { fault, message, param, retryAfterMs, signature } = settlement
      const told = { fault, message, param, retryAfterMs, ...(signature && { signature }) }
      const own: Settlement = { task, attempt, nonce, outcome, chunks, provider, credits, ...told }
      link.send({ type: 'settlement', session, settlement: own }, body)
    },
    broken: (session, task, attempt, fault) => {
      link.send({ type: 'brokenBody', session, task, attempt, fault })
    },
    alive: (session, task, attempt) => link.send({ type: 'aliveBody', session, task, attempt }),
  }
}

/** Hands a message that came over a link to the two desks of this process. */
export function deliver(
  message: AttemptMessage,
  body: Uint8Array | null,
  holder: AttemptLinks,
  carrier: AttemptEvents,
): void {
  const { session } = message
  switch (message.type) {
    case 'giveTask':
      // That a frame can hold it was found out before it was sent.
      holder.task(session, message.grant, body ?? none)
      return
    case 'cancelWork':
      return holder.cancel(session, message.task, message.attempt, message.reason)
    case 'flow':
      return holder.flow(session, message.task, message.attempt, message.paused)
    case 'resumed':
      return holder.resumed(session, message.task, message.attempt, message.nextChunk)
    case 'chunk':
      return carrier.chunk(session, message.head, body ?? none)
    case 'settlement':
      return carrier.settle(session, message.settlement, body ?? none)
    case 'brokenBody':
      return carrier.broken(session, message.task, message.attempt, message.fault)
    case 'aliveBody':
      return carrier.alive(session, message.task, message.attempt)
  }
}

/** From an edge to the brain, beside what concerns an attempt. */
export type FromEdge = FromClients | FromScouts

/** From the brain to an edge, beside what concerns an attempt. */
export type ToEdge = ToClients | ToScouts

const attemptTypes: ReadonlySet<string> = new Set<AttemptMessage['type']>([
  'giveTask',
  'cancelWork',
  'flow',
  'resumed',
  'chunk',
  'settlement',
  'brokenBody',
  'aliveBody',
])
const fromScoutsTypes: ReadonlySet<string> = new Set<FromScouts['type']>([
  'joined',
  'credit',
  'scoutOffers',
  'started',
  'scoutDraining',
  'heartbeat',
  'gone',
])
const toScoutsTypes: ReadonlySet<string> = new Set<ToScouts['type']>([
  'cancelAttempt',
  'verdict',
  'closeSession',
  'welcome',
  'standing',
])

const toClientsTypes: ReadonlySet<string> = new Set<ToClients['type']>([
  'grant',
  'servedBy',
  'attemptVoid',
  'finished',
  'refused',
  'resume',
  'position',
])

export function isToClients(message: { type: string }): message is ToClients {
  return toClientsTypes.has(message.type)
}

export function isAttempt(message: { type: string }): message is AttemptMessage {
  return attemptTypes.has(message.type)
}

export function isFromScouts(message: FromEdge): message is FromScouts {
  return fromScoutsTypes.has(message.type)
}

export function isToScouts(message: ToEdge): message is ToScouts {
  return toScoutsTypes.has(message.type)
}
