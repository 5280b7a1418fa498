/**
 * Faults in the order of things between edges and brain, for `test/sim/mutants/mutant-list.ts`: one for each place
 * where one link could overtake another, for what edges must learn in time, and for what the next brain takes over.
 * Lives of hubs of several processes find them, and the tests of this folder nearly all of them, too.
 */
import type { Mutant } from '../sim/mutants/mutant-list.ts'

const hasEdges = true

export const orderMutants: readonly Mutant[] = [
  {
    hasEdges,
    name: 'a cancel goes straight to the edge of the scout',
    file: 'orchestrator/brain/edges.ts',
    find: 'const isThere = carrier !== undefined && this.seats.has(carrier.edge)',
    replace: 'const isThere = carrier !== undefined && carrier.edge < 0',
  },
  {
    hasEdges,
    name: 'what belongs behind a welcome is sent before it',
    file: 'orchestrator/engine/scout-desk.ts',
    find: '    else pending.behind.push(send)\n',
    replace: '    else send()\n',
  },
  {
    hasEdges,
    name: 'credits go the way of the settlement that they came along with',
    file: 'orchestrator/edge/edge-desks.ts',
    find: 'if (credits === 0) return settle(settlement)',
    replace: 'if (credits >= 0) return settle(settlement)',
  },
  {
    hasEdges,
    name: 'the end of a session is not held back',
    file: 'orchestrator/engine/brain.ts',
    find: 'if (this.goneHoldMs === 0 || !isAtWork) return',
    replace: 'if (this.goneHoldMs >= 0 || !isAtWork) return',
  },
  {
    hasEdges,
    name: 'an answer whose content was shown begins anew',
    file: 'orchestrator/engine/answers/relay.ts',
    find: '    if (!wasShown || (this.continues && this.attemptStreams.length === 0)) return\n',
    replace: '    if (wasShown || this.continues) return\n',
  },
  {
    tests: 'test/e2e/edges',
    name: 'an edge does not follow what the hub does to keys',
    file: 'orchestrator/accounts/account-watch.ts',
    find: "this.role === 'edge' || row.actor === consoleActor.id",
    replace: 'row.actor === consoleActor.id',
  },
  {
    hasEdges,
    name: 'two edges get the same numbers',
    file: 'orchestrator/engine/numbers.ts',
    find: '    this.next += blockSize\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'what was set aside for clients of an edge that died stays so',
    file: 'orchestrator/brain/edges.ts',
    find: '    engine().forgetCharges((task) => this.taskSeats.get(blockOf(task)) === seat)\n',
    replace: '',
  },
  // ------------------------------------------------------------ another brain
  {
    hasEdges,
    name: 'a task that the last brain gave out is let in after its credit was presented',
    file: 'orchestrator/edge/edge-desks.ts',
    find: "    if (message.type === 'giveTask' && message.epoch <= this.pastEpoch) return\n",
    replace: '',
  },
  {
    hasEdges,
    name: 'credits of a settlement are presented with the session and reported again',
    file: 'orchestrator/edge/edge-desks.ts',
    find: '        settle({ ...settlement, credits: 0 })\n',
    replace: '        settle(settlement)\n',
  },
  {
    hasEdges,
    name: 'each edge is taken over as it comes',
    file: 'orchestrator/brain/edges.ts',
    find: 'if (back.length >= this.parts.awaited) this.gathered()',
    replace: 'if (back.length >= 1) this.gathered()',
  },
  {
    hasEdges,
    name: 'an edge that came later is taken for gone',
    file: 'orchestrator/edge/ways.ts',
    find: 'edge <= last && !edges.includes(edge)',
    replace: '!edges.includes(edge)',
  },
  {
    hasEdges,
    name: 'what no client waits for any more is left with its scout by another brain',
    file: 'orchestrator/brain/returning.ts',
    find: '  for (const claim of claims.values()) end(engine, claim)\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'a client that left while no brain was there is forgotten',
    file: 'orchestrator/edge/open-tasks.ts',
    find: '        open.cancel = message\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'what was settled while no brain was there is not reported to the next one',
    file: 'orchestrator/edge/open-tasks.ts',
    find: '        return end(open, message.attempt, { ...message, credits: 0 })\n',
    replace: '        return\n',
  },
  {
    hasEdges,
    name: 'attempts are numbered anew by another brain',
    file: 'orchestrator/core/step/adopting.ts',
    find: '  task.attempt = event.attempt\n',
    replace: '  task.attempt = held.length\n',
  },
  {
    hasEdges,
    name: 'who has to dial again counts as one who goes on',
    file: 'orchestrator/brain/returning.ts',
    find: '    return !isDurable\n',
    replace: '    return !isDurable || work.length > 0\n',
  },
  // ------------------------------------------------------------ found by such lives
  {
    hasEdges,
    name: 'what could not be sent keeps its credit when its task is over',
    file: 'orchestrator/core/core.ts',
    find: '  giveBack(scout)\n  core.freed.push(scout)\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'what is settled for an edge that died gets no verdict',
    file: 'orchestrator/edge/edge-desks.ts',
    find: '          else ways.lateCarrier.settle(session, own, noBody)\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'edges that count alike forget the settlements of each other',
    file: 'orchestrator/core/model/committed-settlements.ts',
    find: 'const blocks = Math.floor(task / numbersPerBlock)',
    replace: 'const blocks = Math.floor(task / 2 ** 32)',
  },
  {
    hasEdges,
    name: 'content that broke off before the brain knew of it begins anew',
    file: 'orchestrator/engine/answers/relay.ts',
    find: '    if (continuing && this.winner === null && !this.continues) this.isLost = true\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'what an edge that died had in hand costs its scout a credit',
    file: 'orchestrator/edge/open-sessions.ts',
    find: 'open.work.has(name) || reason === staleReason',
    replace: 'open.work.has(name) || reason !== name',
  },
  {
    hasEdges,
    name: 'a cancel of a grant that was taken back gives its credit back again',
    file: 'orchestrator/core/task/store-trouble.ts',
    find: '    if (scout !== undefined) endCancel(core, scout, id, attempt)\n',
    replace: '',
  },
  {
    hasEdges,
    name: 'an edge that a brain has given up does not hear so, and goes on with the next one',
    file: 'orchestrator/brain/edges.ts',
    find: "        if (seat === 'turnedAway') return\n",
    replace: '',
  },
  {
    tests: 'test/edge',
    name: 'an answer that nobody carries any more is committed',
    file: 'orchestrator/engine/answer-desk.ts',
    find: "if (sink === undefined && outcome === 'done') return",
    replace: 'if (sink === undefined && task < 0) return',
  },
  {
    hasEdges,
    name: 'who carries an answer is not told that the next brain does not know its scout any more',
    file: 'orchestrator/core/step/adopting.ts',
    find: "    else core.emit({ type: 'attemptVoid', task: event.task, attempt: lease.attempt })\n",
    replace: '',
  },
]
