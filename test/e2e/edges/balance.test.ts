/** Scouts of an edge that holds too many, over real sockets: they dial again, and the kernel spreads them. */
import { afterAll, expect, test } from 'vitest'
import { blockOf } from '../../../orchestrator/engine/numbers.ts'
import { until } from '../../support/clocks/until.ts'
import { EdgeHub } from '../../support/edges/edge-hub.ts'

const scouts = 10
const hub = new EdgeHub({ balance: { share: 0.2, scoutsMin: scouts, everyMs: 50 } })

afterAll(() => hub.close())

/** Of each edge: the numbers of sessions tell whose they are. */
function scoutsOfEdges(): number[] {
  const counts = new Map<number, number>()
  for (const session of hub.brain.engine.core.state.roster.bySession.keys()) {
    counts.set(blockOf(session), (counts.get(blockOf(session)) ?? 0) + 1)
  }
  return [...counts.values()]
}

test('idle scouts move to an edge that has started anew, and answer there', async () => {
  const first = await hub.addEdge()
  for (let at = 0; at < scouts; at++) await hub.addScout(first, `scout-${at}`)
  expect(scoutsOfEdges()).toEqual([scouts])
  // All edges of a hub share one port.
  const second = await hub.addEdge(Number(new URL(first.url).port))
  await until('both edges to hold as many scouts', () => {
    const counts = scoutsOfEdges()
    return counts.length === 2 && counts.every((count) => count === scouts / 2)
  })
  const body = { model: 'demo-small', messages: [{ role: 'user', content: 'Hello' }] }
  const answers = await Promise.all(
    Array.from({ length: scouts }, () => hub.post(second, '/v1/chat/completions', body)),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  await Promise.all(answers.map((answer) => answer.text()))
})
