/**
 * Faults put into the production code on purpose, one at a time, each as an exact replacement. A simulation that lets
 * one of them survive proves nothing about the rule that it breaks. `run.ts` runs them; a test makes sure that each
 * still fits the code.
 */

import { journalMutants } from '../../cluster/journal/journal-mutants.ts'
import { ledgerNetworkMutants } from '../../cluster/ledger/ledger-mutants.ts'
import { orderMutants } from '../../edge/order-mutants.ts'
import { attemptMutants } from './attempt-mutants.ts'
import { budgetMutants } from './budget-mutants.ts'
import { ledgerMutants } from './ledger-mutants.ts'
import { trustMutants } from './trust-mutants.ts'

export interface Mutant {
  name: string
  file: string
  find: string
  replace: string
  /** The tests that find it, where the simulation has no part in it. */
  tests?: string
  /** It is looked for in lives of hubs of several processes. */
  hasEdges?: boolean
}

const core = 'orchestrator/core'
const engine = 'orchestrator/engine'

export const mutants: readonly Mutant[] = [
  // ------------------------------------------------------------ lease and fence
  {
    name: 'the nonce of a settlement is not compared',
    file: `${core}/task/attempts.ts`,
    find: 'if (lease === undefined || !sameNonce(lease.nonce, event.nonce)) {',
    replace: 'if (lease === undefined) {',
  },
  {
    name: 'the attempt of a settlement is not compared',
    file: `${core}/task/leases.ts`,
    find: 'if (lease?.attempt === attempt) return lease\n',
    replace: 'if (lease !== null && attempt > 0) return lease\n',
  },
  {
    name: 'a settlement counts from any session',
    file: `${core}/task/leases.ts`,
    find: 'return lease?.session === session ? lease : undefined',
    replace: 'return lease?.holder ? lease : undefined',
  },
  {
    name: 'another try gets no new number',
    file: `${core}/task/granting.ts`,
    find: '  task.attempt++\n',
    replace: '  task.attempt = Math.max(1, task.attempt)\n',
  },
  {
    name: 'an orphaned lease goes to anybody who knows its nonce',
    file: `${core}/step/sessions.ts`,
    find: '    lease.scout === scout.record.scout &&\n    lease.instance === scout.instance &&\n',
    replace: '',
  },
  {
    name: 'leases never expire',
    file: `${core}/step/deadlines.ts`,
    find: 'if (nowMs >= expiryOf(core, lease)) {',
    replace: 'if (nowMs >= expiryOf(core, lease) + 3_600_000) {',
  },
  {
    name: 'a pong keeps the leases of everybody alive',
    file: `${core}/core.ts`,
    find: 'scout.heardMs = core.nowMs',
    replace: 'for (const { lease } of core.tasks.values()) if (lease) lease.expiresMs = core.nowMs + 35_000',
  },
  {
    name: 'committed settlements are not remembered',
    file: `${core}/task/attempts.ts`,
    find: '  core.committed.remember(taskId, attempt, nonce)\n',
    replace: '',
  },
  {
    name: 'an acknowledged cancel is not noticed',
    file: `${core}/task/attempts.ts`,
    find: '    endCancel(core, stranger, taskId, attempt)\n',
    replace: '',
  },

  // ------------------------------------------------------------ credits and queues
  {
    name: 'credits survive a reconnect',
    file: `${core}/fleet/roster.ts`,
    find: '      credits: 0,\n',
    replace: '      credits: capacity,\n',
  },
  {
    name: 'more credits than the capacity are accepted',
    file: `${core}/task/granting.ts`,
    find: 'if (scout.credits + count > scout.capacity) {',
    replace: 'if (scout.credits > scout.capacity) {',
  },
  {
    name: 'a grant uses no credit',
    file: `${core}/task/granting.ts`,
    find: '  scout.credits--\n',
    replace: '',
  },
  {
    name: 'who leaves the queue is still counted',
    file: `${core}/task/queueing.ts`,
    find: '  core.queued += more\n',
    replace: '  core.queued += Math.max(0, more)\n',
  },
  {
    name: 'a draining hub gives out what waits',
    file: `${core}/task/queueing.ts`,
    find: 'return !draining && (storeTroubled',
    replace: 'return (storeTroubled',
  },

  // ------------------------------------------------------------ streams
  {
    name: 'an answer that was seen begins anew elsewhere',
    file: `${core}/task/attempts.ts`,
    find: 'const stuck = task.contentBegan && !mayMigrate(core, task)',
    replace: 'const stuck = false',
  },
  {
    name: 'gaps between chunks are not noticed',
    file: `${engine}/answers/attempt-stream.ts`,
    find: 'if (head.seq !== this.seq || head.offset !== this.offset) {',
    replace: 'if (head.seq < 0) {',
  },
  {
    name: 'the last line is shown before the settlement',
    file: `${engine}/answers/attempt-stream.ts`,
    find: 'if (this.contentBegan && !facts.hasFinish) this.released = added(this.released, line)\n    else {',
    replace:
      'if (this.contentBegan) this.released = added(this.released, line)\n' +
      '    if (facts.hasFinish || !this.contentBegan) {',
  },
  {
    name: 'an answer ends twice',
    file: `${engine}/answers/relay.ts`,
    find: '    this.lines = noLines\n    this.end = null\n',
    replace: '    this.lines = noLines\n',
  },
  {
    name: 'the loser of a hedge goes on',
    file: `${core}/task/attempts.ts`,
    find: '  stopOthers(core, task, lease)\n',
    replace: '',
  },
  {
    name: 'a slow reader is not waited for',
    file: `${engine}/answers/relay.ts`,
    find: 'if (this.readyBytes > streamBufferBytes && !this.paused) this.setPaused(true)',
    replace: '',
  },
  {
    name: 'a stream that moves on begins from the start',
    file: `${engine}/answers/relay.ts`,
    find: "if (this.prefix === '') return request",
    replace: 'if (request.length > 0) return request',
  },
  {
    name: 'the lines of a failed attempt stay in the result',
    file: `${engine}/intents/durable-sink.ts`,
    find: '    this.attempt = 0\n    this.lines = []\n',
    replace: '    this.attempt = 0\n',
  },

  // ------------------------------------------------------------ durable intents
  {
    name: 'an intent is acknowledged before its commit',
    file: `${engine}/durability/journal.ts`,
    find: '    this.entries.push({ order: ++this.order, writes, then, refuse })\n',
    replace: '    then()\n    this.entries.push({ order: ++this.order, writes, then: () => {}, refuse: null })\n',
  },
  {
    name: 'what rests on a commit is done before it',
    file: `${engine}/durability/journal.ts`,
    find: '    this.entries.push({ order: ++this.order, writes, then, refuse: null })\n',
    replace: '    then()\n    this.entries.push({ order: ++this.order, writes, then: () => {}, refuse: null })\n',
  },
  {
    name: 'a failed commit loses what was promised',
    file: `${engine}/durability/journal.ts`,
    find: 'this.entries = this.entries.filter((entry) => entry.refuse === null)',
    replace: 'this.entries = []',
  },
  {
    name: 'a child is given out before all of its parents are done',
    file: `${core}/task/terminal.ts`,
    find: "if (child.blockers === 0 && child.state === 'blocked' &&",
    replace: "if (child.state === 'blocked' &&",
  },
  {
    name: 'a failure forgets the descendants',
    file: `${core}/task/terminal.ts`,
    find: "    else if (!isTerminal(child)) finish(core, child, 'skipped', cause)\n",
    replace: '',
  },
  {
    name: 'a cancel stops at the first task',
    file: `${core}/task/terminal.ts`,
    find: '  for (const task of [...intent.open]) {\n',
    replace: '  for (const task of [...intent.open].slice(0, 1)) {\n',
  },
  {
    name: 'an attempt that came back is not written down',
    file: `${core}/task/attempts.ts`,
    find:
      "core.persist({ change: 'release', task: id, attempt: lease.attempt, charged, returned })\n" +
      "  if (retry === 'free')",
    replace: "void 0\n  if (retry === 'free')",
  },
  {
    name: 'leases of before the restart are given out again at once',
    file: `${core}/task/intents.ts`,
    find: "if (accepted.state === 'leased' && accepted.lease !== null) orphan(core, task, accepted.lease)",
    replace: "if (accepted.state === 'leased' && core.nowMs < 0) orphan(core, task, accepted.lease!)",
  },
  {
    name: 'a node that has grown waits for all but the first',
    file: `${core}/task/intents.ts`,
    find: 'for (const need of waitFor) block(core, intent, controlNode, need)',
    replace: 'for (const need of waitFor.slice(1)) block(core, intent, controlNode, need)',
  },
  {
    name: 'a failed need skips a node that decides over failures',
    file: `${core}/task/terminal.ts`,
    find: 'if (cause === null || child.control) unblock(core, child)',
    replace: 'if (cause === null) unblock(core, child)',
  },
  {
    name: 'after a restart a node that has grown waits for its first needs',
    file: `${engine}/intents/intent-rows.ts`,
    find: 'return readJson<string[]>(waits ?? needs)',
    replace: 'return readJson<string[]>(needs)',
  },
  {
    name: 'a node that is tried again forgets its attempts',
    file: `${core}/task/intents.ts`,
    find: 'const outrun = attempt - charged - handedBack - (lease === null ? 0 : 1)',
    replace: 'const outrun = 0 * (lease === null ? 0 : 1)',
  },
  {
    name: 'a scroll grows without the store',
    file: `${core}/task/intents.ts`,
    find: "  core.persist({ change: 'expand', task: id })\n",
    replace: '',
  },
  {
    name: 'a decision is made before the end that it rests on is committed',
    file: `${engine}/writer/commit-barrier.ts`,
    find: "const waits = effect.type === 'persist' || this.isDurable(effect)",
    replace: "const waits = effect.type !== 'decide' && (effect.type === 'persist' || this.isDurable(effect))",
  },
  {
    name: 'grants that cannot be written are left with their scouts',
    file: `${engine}/writer/writer.ts`,
    find: 'event.unsent = barrier.recallAll()',
    replace: 'event.unsent = []',
  },
  {
    name: 'a grant that is taken back keeps the credit',
    file: `${core}/task/store-trouble.ts`,
    find: '    scout.credits++\n',
    replace: '',
  },
  {
    name: 'durable tasks are given out while nothing can be written',
    file: `${core}/task/queueing.ts`,
    find: 'return core.storeTroubled && intent !== null',
    replace: 'return core.storeTroubled && intent !== null && core.nowMs < 0',
  },
  {
    name: 'who waits for the store is forgotten when the store can write again',
    file: `${core}/task/store-trouble.ts`,
    find: '  for (const task of core.awaitingStore) core.unplaced.push(task)\n',
    replace: '',
  },
  {
    name: 'a cancel is lost when a retry is pending',
    file: `${engine}/intents/intent-commands.ts`,
    find: 'resolve(refusal ?? this.cancelRunning(id))',
    replace: 'resolve(refusal)',
  },
  {
    name: 'an Idempotency-Key is not stored',
    file: `${engine}/intents/intent-commands.ts`,
    find: '    if (answerRow !== undefined) writes.push(answerRow(Buffer.from(intent.id)))\n',
    replace: '',
  },
  {
    name: 'a reader that reconnects gets the pieces again',
    file: `${engine}/intents/events/intent-events.ts`,
    find: 'index: Number(match[3])',
    replace: 'index: 0',
  },
  {
    name: 'the epoch stays the same over a restart',
    file: `${engine}/numbers.ts`,
    find: 'this.next = epoch * 2 ** 32',
    replace: 'this.next = 2 ** 32',
  },

  // ------------------------------------------------------------ shares of strangers
  {
    name: 'a scout is booked the tokens that it reports, without a bound',
    file: `${engine}/answers/answer-check.ts`,
    find: '  facts.completionTokens = Math.min(facts.completionTokens, body.length + streamedBytes)\n',
    replace: '',
  },
  {
    name: 'bodies that a session left unfinished stay in the account',
    file: 'orchestrator/gateway/session.ts',
    find: '    this.incoming?.clear()\n',
    replace: '',
  },
  {
    name: 'names that nobody offers are kept',
    file: `${core}/step/sessions.ts`,
    find: 'entry.known && entry.offerers === 0 && entry.model',
    replace: 'entry.known && entry.offerers < 0 && entry.model',
  },
  {
    name: "one operator's word about a request is final",
    file: `${core}/trust/second-opinion.ts`,
    find: "if (faultTable[cause.code].retry !== 'never' || isSecondOpinion(task, lease) || core.draining) return false",
    replace: 'if (task !== null) return false',
  },
  {
    name: 'a second opinion is asked of the same operator',
    file: `${core}/fleet/placement.ts`,
    find: 'if (doubt !== null) return scout.record.operator !== doubt.operator\n',
    replace: '',
  },

  // ------------------------------------------------------------ a hub that stands still
  {
    name: 'sessions are judged by time in which the hub stood still',
    file: 'orchestrator/gateway/session.ts',
    find: '    this.roundTripMs = Math.min(nowMs, Math.max(this.roundTripMs + forMs, soonestMs))\n',
    replace: '',
  },
  {
    name: 'a standstill is noticed after what has arrived is judged',
    file: 'orchestrator/gateway/gateway.ts',
    find: '    this.visits.notice(this.system.nowMs())\n',
    replace: '',
  },
  {
    name: 'a scout may not catch up after a standstill of the hub',
    file: 'orchestrator/gateway/session.ts',
    find: '    this.control.lend(lentMs)\n    this.data.lend(lentMs)\n',
    replace: '',
  },

  // ------------------------------------------------------------ turns and defects
  {
    name: 'a defect does not end the hub',
    file: `${engine}/writer/defect-guard.ts`,
    find: '    this.onDefect(this.defect)\n',
    replace: '',
  },
  {
    name: 'the engine goes on after a defect',
    file: `${engine}/writer/writer.ts`,
    find: '      throw guard.failed(events[at]!, error)\n    } finally {',
    replace:
      '      guard.failed(events[at]!, error)\n' +
      '      for (at++; at < events.length; at++) this.step(events[at]!)\n    } finally {',
  },
  {
    name: 'effects are performed after a throw',
    file: `${engine}/writer/writer.ts`,
    find: '      barrier.pass(effects)\n    } finally {\n',
    replace:
      '      barrier.pass(effects)\n' +
      '    } catch (error) {\n      for (let at = effects.length - 1; at > 0; at--) barrier.pass([effects[at]!])\n' +
      '      throw error\n    } finally {\n',
  },
  {
    name: 'grants to a closed socket count as sent',
    file: `${engine}/writer/commit-barrier.ts`,
    find: '    this.closed.add(session)\n',
    replace: '',
  },
  {
    name: 'content is shown before the events that came before it are stepped',
    file: `${engine}/answers/answer-host.ts`,
    find: '    this.brain.flush()\n',
    replace: '',
  },
  ...attemptMutants,
  ...budgetMutants,
  ...journalMutants,
  ...ledgerMutants.concat(ledgerNetworkMutants),
  ...orderMutants,
  ...trustMutants,
]
