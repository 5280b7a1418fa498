/** Edges that a brain does not go on with, and answers that nobody carries any more. */
import { expect, test } from 'vitest'
import { Edges } from '../../orchestrator/brain/edges.ts'
import { Ways } from '../../orchestrator/edge/ways.ts'
import { AnswerDesk } from '../../orchestrator/engine/answer-desk.ts'
import { AnswerChecks } from '../../orchestrator/engine/answers/answer-checks.ts'
import type { FromClients } from '../../orchestrator/engine/ports/brain.ts'
import type { Settlement } from '../../orchestrator/engine/ports/scouts.ts'
import { fits } from '../../orchestrator/gateway/frame-links.ts'
import { linkVersion, type ToEdgeOf } from '../../orchestrator/link/control.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

const unused = () => {
  throw new Error('nothing is asked of it')
}
const none = new Uint8Array(0)

test('an edge that is turned away hears why, whatever else it presents', () => {
  const log = { info() {}, error() {} }
  const parts = { engine: unused, epoch: 2, awaited: 0, leave: unused, canCarry: fits, shown: unused, log }
  const edges = new Edges({ ...parts, network: null })
  const sent: ToEdgeOf[] = []
  const ends: string[] = []
  const link = { send: (message: ToEdgeOf) => void sent.push(message), end: (why: string) => void ends.push(why) }
  const end = edges.met(link)
  end.receive({ type: 'edgeHello', version: linkVersion - 1, path: 'edge', before: null }, null)
  end.receive({ type: 'presented' }, null)
  end.ended('the process at the other end is gone', false)
  expect([sent, ends]).toEqual([[{ type: 'turnedAway', why: expect.stringContaining('version') }], []])
})

test('a peer that the brain has given up loses its link, so that it does not go on as one of them', () => {
  const ends: string[] = []
  const ways = new Ways({ send() {} })
  ways.meet(7, { send() {}, end: (why) => void ends.push(why) })
  ways.part(7)
  ways.part(7)
  expect([ways.has(7), ends]).toEqual([false, ['the brain has given it up']])
})

test('an answer whose carrier is out of reach is handed back, and not committed without its body', () => {
  const told: FromClients[] = []
  const system = new ManualSystem()
  const brain = { fromClients: (message: FromClients) => void told.push(message), fromScouts: unused, flush() {} }
  const scouts = { task: unused, cancel: unused, flow: unused, resumed: unused }
  const checks = new AnswerChecks(new TurnLane(system), unused)
  const desk = new AnswerDesk({ system, brain, scouts, sinks: { get: () => undefined }, checks, isLive: () => true })
  const head = { task: 5, attempt: 1, nonce: new Uint8Array(16), chunks: 0, provider: 'p', credits: 0 }
  const settlement: Settlement = { ...head, outcome: 'done', fault: '', message: '', param: '', retryAfterMs: 0 }
  desk.settle(3, settlement, Buffer.from('{"choices":[]}'))
  desk.settle(3, { ...settlement, outcome: 'failed', fault: 'provider_unavailable', message: 'No.' }, none)
  expect(told).toMatchObject([
    { type: 'settle', session: 3, task: 5, outcome: 'released', fault: { code: 'scout_draining' } },
    { type: 'settle', session: 3, task: 5, outcome: 'failed', fault: { code: 'provider_unavailable' } },
  ])
})
