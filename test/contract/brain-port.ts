/**
 * What every way of joining edges and brain promises: each message of the ports arrives once, as it was, in the order
 * in which it was sent, and a body beside its message. Joined directly or over a socket, the conversation is the same.
 */
import { expect, test } from 'vitest'
import { defaultRouting } from '../../orchestrator/core/model/routing-options.ts'
import type { FromClients, FromScouts, ToClients, ToScouts } from '../../orchestrator/engine/ports/brain.ts'
import type { AttemptEvents, AttemptLinks } from '../../orchestrator/engine/ports/scouts.ts'
import { fault } from '../../shared/faults.ts'

/** The ways of one edge to its brain, and back. */
interface Joined {
  brain: { fromClients(message: FromClients): void; fromScouts(message: FromScouts): void }
  edge: { toClients(message: ToClients): void; toScouts(message: ToScouts): void }
  /** From who carries an answer to who holds its scout's socket, and back. */
  holder: Omit<AttemptLinks, 'task'> & { task(...facts: Parameters<AttemptLinks['task']>): unknown }
  carrier: AttemptEvents
  /** Resolves once all that was sent has arrived. */
  arrived(messages: number): Promise<void>
}

/** Notes what arrives. */
export interface Heard {
  note(...facts: unknown[]): void
}

/** Each end of `join` notes what it is told: the name of the way, then the facts. */
export type Join = (heard: Heard) => Promise<Joined>

const task = 3 * 2 ** 32 + 70_000
const session = 2 ** 40 + 5
const attempt = 2
const nonce = new Uint8Array([1, 2, 3, 255])
const served = { scout: 'key_a/one', provider: 'groq', model: 'm' }
const cost = {
  ...{ firstContentMs: 1.5, tokensMs: 0, loadMs: 0, priceMs: 0, failureMs: 0, operatorMs: 0, scrollMs: -1 },
  trustMs: 0,
  totalMs: 0.5,
}
const lost = fault('scout_lost', 'Gone.', { retryAfterMs: 5 })
const offer = {
  ...{ kind: 'chat' as const, model: 'm', provider: 'p', contextTokens: 0, abilities: 0 },
  ...{ promptPrice: null, answerPrice: 7, about: '', requestBytesMax: 2 ** 22 },
}

const limits = {
  ...{ requestsPerMinute: null, tokensPerMinute: 7 },
  budgets: [{ unit: 'tokens' as const, per: 'day' as const, amount: 2 ** 41 }],
}
const key = { id: 'k', tenant: 't', account: 'a', scopes: { models: ['m*'] }, limits, accountLimits: limits }

const fromClients: FromClients[] = [
  {
    ...{ type: 'submit', task, tenant: 'key_c', weight: 0.5, priority: 5, kind: 'chat', model: 'auto', stream: true },
    ...{ promptBytes: 12, deadlineMs: 600_000, routing: { ...defaultRouting, only: ['a'], hedgeAfterMs: 0 } },
    charge: { key, size: { textBytes: 12, media: 1, answerTokens: 40 } },
  },
  {
    ...{ type: 'adopt', task, tenant: 'key_c', weight: 1, priority: 5, kind: 'chat', model: 'm', stream: true },
    ...{ promptBytes: 12, deadlineMs: 1_000, routing: defaultRouting, attempt, queuedMs: 5, contentBegan: true },
    leases: [{ session, attempt, nonce, model: 'm', provider: 'p' }],
    charge: null,
  },
  { type: 'contentBegan', task, attempt },
  { type: 'renewed', session, task, attempt },
  { type: 'attemptBroken', task, attempt, fault: lost },
  { type: 'unsent', session, task, attempt, fault: lost },
  {
    ...{ type: 'settle', session, task, attempt, nonce, outcome: 'done', provider: 'p', credits: 1, fault: null },
    ...{ tokens: 3, usedTokens: 9 },
  },
  {
    ...{ type: 'used', task, payer: { id: 'k', account: null }, kind: 'chat', microDollars: 2 ** 41 },
    use: { model: 'm', promptTokens: 7, completionTokens: 9, isEstimated: true },
  },
  { type: 'where', task },
  {
    type: 'usage',
    sum: {
      ...{ hour: 472_222, tenant: 'acc_c', key: 'key_c', model: 'm', tasks: 2, failed: 1 },
      ...{ promptTokens: 10, completionTokens: 2 ** 41, microDollars: 7, estimated: 1 },
    },
  },
  { type: 'cancel', task, fault: lost },
]

const hello = {
  ...{ name: 'one', instance: 'i', agent: 'test', concurrency: 4, offers: [offer] },
  held: [{ task, attempt, nonce }],
}

const fromScouts: FromScouts[] = [
  { type: 'joined', greeting: { session, operator: 'key_a', address: '10.0.0.1', hello } },
  { type: 'credit', session, count: 4 },
  { type: 'scoutOffers', session, concurrency: 2, offers: [offer] },
  { type: 'started', session, task, attempt, provider: '' },
  { type: 'heartbeat', session },
  { type: 'scoutDraining', session },
  { type: 'gone', session, isForsaken: true },
]

const grant = {
  ...{ task, attempt, nonce, kind: 'chat' as const, model: 'm', stream: true, ttlMs: 30_000 },
  deadlineMs: 599_999,
}

const prices = { promptPrice: 500_000, answerPrice: null }

const toClients: ToClients[] = [
  { type: 'grant', session, ...grant, served, queuedMs: 0.25, cost, ...prices, continuing: false },
  { type: 'servedBy', task, attempt, served },
  { type: 'attemptVoid', task, attempt },
  { type: 'resume', task, attempt, session, scout: 'key_a/one', isDecided: false },
  { type: 'position', task, position: null },
  { type: 'refused', task, fault: lost },
  { type: 'finished', task, fault: lost, attempts: 2, queuedMs: 3 },
]

const held = [{ task, attempt, verdict: 'resumed' as const, nextChunk: 4 }]
const counts = { considered: 2, won: 1, lostLatency: 1, lostPrice: 0, lostCapacity: 0, lostTrust: 0, done: 1 }

const toScouts: ToScouts[] = [
  { type: 'welcome', session, welcome: { epoch: 3, scout: 'key_a/one', leaseTtlMs: 30_000, creditMax: 4, held } },
  { type: 'verdict', session, task, attempt, nonce, verdict: 'committed' },
  { type: 'cancelAttempt', session, task, attempt, reason: 'cancelled' },
  {
    ...{ type: 'standing', session },
    standing: { ...counts, failed: 0, failurePermille: 0, window: 4, paused: [{ model: 'm', resumesInMs: 5 }] },
  },
  { type: 'closeSession', session, why: 'superseded' },
]

const settlement = {
  ...{ task, attempt, nonce, outcome: 'failed' as const, chunks: 2, provider: 'p', credits: 0, fault: 'scout_error' },
  ...{ message: 'It went wrong.', param: '', retryAfterMs: 0 },
}

/** Byte fields of any kind as text. */
function plain(facts: unknown): unknown {
  if (facts instanceof Uint8Array) return Buffer.from(facts).toString('base64')
  if (Array.isArray(facts)) return facts.map(plain)
  if (typeof facts !== 'object' || facts === null) return facts
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, plain(value)]))
}

function stage(): { heard: unknown[]; notes: Heard } {
  const heard: unknown[] = []
  return { heard, notes: { note: (...facts) => void heard.push(plain(facts)) } }
}

export function brainPortContract(join: Join): void {
  test('what an edge reports arrives at the brain in order', async () => {
    const { heard, notes } = stage()
    const { brain, arrived } = await join(notes)
    for (const message of fromClients) brain.fromClients(message)
    for (const message of fromScouts) brain.fromScouts(message)
    await arrived(fromClients.length + fromScouts.length)
    expect(heard).toEqual([
      ...fromClients.map((message) => plain(['fromClients', message])),
      ...fromScouts.map((message) => plain(['fromScouts', message])),
    ])
  })

  test('what the brain decides arrives at the edge in order', async () => {
    const { heard, notes } = stage()
    const { edge, arrived } = await join(notes)
    for (const message of toScouts) edge.toScouts(message)
    for (const message of toClients) edge.toClients(message)
    await arrived(toClients.length + toScouts.length)
    expect(heard).toEqual([
      ...toScouts.map((message) => plain(['toScouts', message])),
      ...toClients.map((message) => plain(['toClients', message])),
    ])
  })

  test('attempts and bodies pass between who carries an answer and who holds the socket of its scout', async () => {
    const { heard, notes } = stage()
    const { holder, carrier, arrived } = await join(notes)
    const large = new Uint8Array(3_000_000).fill(7)
    holder.resumed(session, task, attempt, 9)
    holder.task(session, grant, large)
    holder.flow(session, task, attempt, true)
    holder.cancel(session, task, attempt, 'cancelled')
    const head = { task, attempt, seq: 0, offset: 0 }
    carrier.chunk(session, head, new Uint8Array([10, 20]))
    carrier.alive(session, task, attempt)
    carrier.broken(session, task, attempt, lost)
    carrier.settle(session, settlement, new Uint8Array(0))
    await arrived(8)
    expect(heard).toEqual(
      [
        ['resumed', session, task, attempt, 9],
        ['task', session, grant, large],
        ['flow', session, task, attempt, true],
        ['cancel', session, task, attempt, 'cancelled'],
        ['chunk', session, head, new Uint8Array([10, 20])],
        ['alive', session, task, attempt],
        ['broken', session, task, attempt, lost],
        ['settle', session, settlement, new Uint8Array(0)],
      ].map(plain),
    )
  })
}
