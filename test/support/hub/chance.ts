/**
 * What may happen next to a core, drawn at random under a seed: clients, scouts and strangers, honest or not. It has
 * the sockets and the grants of its world, and nothing of the core.
 */

import type { Accept, AcceptedTask, Event } from '../../../orchestrator/core/events.ts'
import { Random } from '../../../orchestrator/core/model/random.ts'
import { defaultRouting, type RoutingOptions } from '../../../orchestrator/core/model/routing-options.ts'
import { type FaultCode, fault, faultTable } from '../../../shared/faults.ts'
import { type Offer, offerOf, outcomes, type TaskKind } from '../../../shared/task.ts'
import type { Grant } from './core-harness.ts'

/** A socket as the world sees it. */
export interface Peer {
  session: number
  scout: string
  instance: string
  offers: Offer[]
  capacity: number
  credits: number
}

const MiB = 1_048_576
const models = ['a', 'b', 'c']
const names = ['s1', 's2', 's3', 's4']
const providers = ['p', 'q']
const codes = Object.keys(faultTable) as FaultCode[]

/** Two scouts share an operator. */
export function operatorOf(scout: string): string {
  return scout === 's1' || scout === 's2' ? 'o1' : scout
}

export class Chance {
  private readonly random: Random
  readonly peers = new Map<number, Peer>()
  /** The last grants, also of those long over: what the frames of an honest or a hostile scout may be about. */
  readonly grants: Grant[] = []
  private nextSession = 1
  /** The session that sent its hello and may still present leases. */
  private claiming: number | null = null
  private nextTask = 1
  private nextIntent = 1

  constructor(
    seed: number,
    private readonly creditMax: number,
  ) {
    this.random = new Random(seed * 7919)
  }

  /** The next event; `pass` stands for time that passes. */
  anything(): Event | 'pass' {
    const peer = this.peers.size === 0 ? undefined : this.pick([...this.peers.values()])
    const dice = this.random.below(100)
    if (this.claiming !== null && dice < 70) return this.endClaims(this.claiming)
    if (dice < 16) return this.submit()
    if (dice < 20) return this.accept()
    if (dice < 30 || peer === undefined) return this.chance(0.25) || this.peers.size > 5 ? 'pass' : this.join()
    if (dice < 45) return 'pass'
    if (dice < 60) return this.credit(peer)
    if (dice < 62) return { type: 'scoutGone', session: peer.session }
    if (dice < 64) return this.offers(peer)
    if (dice < 65) return { type: 'scoutDraining', session: peer.session }
    if (dice < 69) return { type: 'heartbeat', session: peer.session }
    if (dice < 72) return this.cancel()
    if (dice < 73) return this.chance(0.4) ? { type: 'storeTroubled', unsent: [] } : { type: 'storeRecovered' }
    return this.word(peer)
  }

  passingMs(): number {
    return this.chance(0.01) ? 3_000 : this.below(80)
  }

  chance(share: number): boolean {
    return this.random.unit() < share
  }

  below(bound: number): number {
    return this.random.below(bound)
  }

  noteGrant(grant: Grant): void {
    this.grants.push(grant)
    if (this.grants.length > 40) this.grants.shift()
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random.below(from.length)]!
  }

  private submit(): Event {
    return {
      type: 'submit',
      task: this.nextTask++,
      ...this.rank(),
      kind: this.kind(),
      model: this.model(),
      stream: this.chance(0.5),
      promptBytes: this.chance(0.05) ? this.pick([5, 20, 60]) * MiB : this.below(100_000),
      routing: this.chance(0.5) ? defaultRouting : this.routing(),
    }
  }

  private rank() {
    return {
      tenant: this.pick(['t1', 't2', 't3']),
      weight: this.pick([1, 1, 0.5, 3]),
      priority: this.pick([5, 5, 9]),
      deadlineMs: this.pick([0, 100, 1_000, 2_000]),
    }
  }

  private routing(): RoutingOptions {
    const some = (share: number) => (this.chance(share) ? [this.pick([...names, 'o1', ...providers, 'nobody'])] : [])
    return {
      sort: this.pick(['latency', 'throughput', 'price']),
      only: some(0.3),
      ignore: [...some(0.3), ...some(0.1)],
      attemptsMax: this.pick([1, 2, Number.MAX_SAFE_INTEGER]),
      hedgeAfterMs: this.pick([null, 0, 1, 40, 200]),
      continues: this.chance(0.5),
      requires: this.chance(0.2) ? { contextTokensMin: 100 } : null,
    }
  }

  private accept(): Accept {
    const tasks: AcceptedTask[] = []
    const count = 1 + this.below(6)
    for (let node = 0; node < count; node++) {
      const needs = tasks.filter(() => this.chance(0.4)).map(({ task }) => task)
      const kind = this.kind()
      tasks.push(this.accepted(kind, needs))
    }
    const result = this.chance(0.7) ? tasks.at(-1)! : this.pick(tasks)
    const budgetTokens = this.chance(0.2) ? this.pick([0, 5, 15]) : null
    const intent = `int_${this.nextIntent++}`
    return { type: 'accept', intent, ...this.rank(), result: result.task, budgetTokens, tasks }
  }

  private accepted(kind: TaskKind, needs: number[]): AcceptedTask {
    const control = this.chance(0.25)
    const begun = { attempt: 0, charged: 0, returned: 0, lease: null, usedTokens: 0 }
    const state = control || needs.length > 0 ? 'blocked' : 'ready'
    const promptBytes = this.below(50_000)
    const terms: AcceptedTask['terms'] = {
      ...(this.chance(0.1) && { deadlineMs: this.pick([1, 500]) }),
      ...(this.chance(0.1) && { attemptsMax: 1 }),
      ...(this.chance(0.1) && { boost: this.pick([-9, 2]) }),
      ...(this.chance(0.1) && { requires: { contextTokensMin: 100, abilities: 1, priceMax: 5 } }),
    }
    return { task: this.nextTask++, kind, model: this.model(), promptBytes, control, needs, state, ...begun, terms }
  }

  /** What the planner may decide about a control node that is deciding, or was a moment ago. */
  decision(task: number): Event {
    const luck = this.below(10)
    if (luck < 3) return { type: 'decided', task }
    if (luck < 4) return { type: 'decisionFailed', task, fault: fault('internal_error', 'It cannot go on.') }
    const tasks: AcceptedTask[] = []
    for (let left = this.below(4); left > 0; left--) {
      const needs = tasks.filter(() => this.chance(0.3)).map((one) => one.task)
      const expanded = this.accepted(this.kind(), needs)
      // So that scrolls come to an end.
      if (this.chance(0.7)) Object.assign(expanded, { control: false, state: needs.length > 0 ? 'blocked' : 'ready' })
      tasks.push(expanded)
    }
    return { type: 'expanded', task, tasks, waitFor: tasks.filter(() => this.chance(0.8)).map((one) => one.task) }
  }

  private kind(): TaskKind {
    return this.chance(0.9) ? 'chat' : 'embed'
  }

  private model(): string {
    return this.pick(['a', 'a', 'b', 'c', 'auto', 'unknown'])
  }

  private someOffers(): Offer[] {
    const offered = models.filter(() => this.chance(0.5))
    if (this.chance(0.1)) offered.push('auto', 'a')
    return offered.map((model) => {
      const size = this.chance(0.2) ? { requestBytesMax: this.pick([8, 32]) * MiB } : {}
      return offerOf({ kind: this.kind(), model, provider: this.pick(providers), ...size })
    })
  }

  private join(): Event {
    const session = this.nextSession++
    const scout = this.pick(names)
    const instance = this.pick(['i', 'j'])
    const concurrency = this.pick([0, 1, 2, 4, 256])
    const offers = this.someOffers()
    const capacity = Math.min(concurrency, this.creditMax)
    this.peers.set(session, { session, scout, instance, offers, capacity, credits: 0 })
    this.claiming = session
    const held = this.grants
      .filter((grant) => grant.served.scout === scout && this.chance(0.8))
      .map(({ task, attempt, nonce }) => ({ task, attempt, nonce: this.chance(0.1) ? new Uint8Array(16) : nonce }))
    return { type: 'scoutJoined', session, scout, operator: operatorOf(scout), instance, concurrency, offers, held }
  }

  private endClaims(session: number): Event {
    this.claiming = null
    return { type: 'claimsEnded', session }
  }

  private offers({ session }: Peer): Event {
    return { type: 'scoutOffers', session, concurrency: this.pick([0, 1, 3, 256]), offers: this.someOffers() }
  }

  private credit({ session, capacity, credits }: Peer): Event {
    const room = capacity - credits
    const isWild = this.chance(0.05)
    return { type: 'credit', session, count: isWild ? this.below(257) : this.below(room + 1) }
  }

  private cancel(): Event {
    const cause = fault('cancelled', 'The client left.')
    if (this.chance(0.3)) return { type: 'cancelIntent', intent: `int_${this.below(this.nextIntent)}`, fault: cause }
    const task = this.chance(0.1) ? 999_999 : 1 + this.below(this.nextTask)
    return { type: 'cancel', task, fault: cause }
  }

  /** A scout's frame about an attempt: mostly one it has, sometimes another's, an old one or none at all. */
  private word(peer: Peer): Event {
    const own = this.grants.filter(({ session }) => session === peer.session)
    const grant = own.length > 0 && this.chance(0.8) ? own.at(-1 - this.below(Math.min(3, own.length))) : undefined
    const known = grant ?? (this.grants.length > 0 && this.chance(0.7) ? this.pick(this.grants) : undefined)
    const session = this.chance(0.05) ? this.nextSession + 5 : (grant?.session ?? peer.session)
    const task = known?.task ?? this.below(2 * this.nextTask)
    const attempt = this.chance(0.05) ? this.below(5) : (known?.attempt ?? 1)
    const nonce = known === undefined || this.chance(0.1) ? new Uint8Array(16) : known.nonce
    const dice = this.below(10)
    if (dice < 2) return { type: 'started', session, task, attempt, provider: 'p' }
    if (dice < 3) return { type: 'contentBegan', task, attempt }
    if (dice < 5) return { type: 'renewed', session, task, attempt }
    if (dice < 6) return { type: 'attemptBroken', task, attempt, fault: fault('chunk_gap', 'A gap.') }
    const outcome = this.chance(0.5) ? 'done' : this.pick(outcomes)
    const retryAfterMs = this.pick([0, 100, 500, 86_400_000])
    const why = outcome === 'done' ? null : fault(this.pick(codes), 'It went wrong.', { retryAfterMs })
    const dice4 = this.below(4)
    const more = { tokens: this.below(50), usedTokens: 4, provider: this.pick(['', 'p']), credits: dice4 === 0 ? 1 : 0 }
    return { type: 'settle', session, task, attempt, nonce, outcome, fault: why, ...more }
  }
}
