/**
 * Audits and disputes where answers are carried at edges: scouts and clients are at two of them in turns, and whoever
 * judges answers is beside the brain.
 */
import { describe, expect, test } from 'vitest'
import { EdgeHub } from '../../support/edges/edge-hub.ts'
import { chat, chatUntil, type MakeHub, recordOf, site } from '../trust/conviction-stage.ts'
import { constant, DisputeStage, honest } from '../trust/dispute-stage.ts'

/** Each request goes to the next edge, and each scout dials it. */
const withEdges: MakeHub = async ({ config, trust }) => {
  const { dataDir } = config
  const hub = new EdgeHub({ dataDir, config: { trust: config.trust }, trust })
  const edges = [await hub.addEdge(), await hub.addEdge()] as const
  let turns = 0
  const next = () => edges[turns++ % edges.length]!
  return {
    url: edges[0].url,
    hub: hub.brain,
    adminKey: hub.adminKey,
    addScout: ({ name, key, providers: [provider] }) => hub.addScout(next(), name, provider, { key }),
    post: (path, body, init = {}) => {
      const headers = { 'content-type': 'application/json', ...init.headers }
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return fetch(next().url + path, { method: 'POST', body: text, ...init, headers })
    },
    close: () => hub.close(),
  }
}

describe('a scout at an edge with one text for everybody', () => {
  test('is convicted among honest ones, and gets nothing more; a noisy honest one is not', async () => {
    const of = await site('enforce', withEdges)
    await chatUntil('the conviction', of, () => recordOf(of, 'cheat')?.state === 'convicted')
    const served = new Set<string>()
    for (let times = 0; times < 40; times++) served.add(await chat(of))
    expect(served).not.toContain(of.ids.cheat)
    await chatUntil('checks of the noisy one', of, () => (recordOf(of, 'noisy')?.checks ?? 0) >= 5)
    for (const name of ['ant', 'bee', 'cow', 'noisy']) expect(recordOf(of, name)?.state).not.toBe('convicted')
    const report = of.live.hub.engine.trustReport({})!
    expect(report.settled).toBeGreaterThan(40)
    expect(report.ended.booked).toBeGreaterThan(0)
  })

  test('loses a dispute that comes through another edge', async () => {
    const seven = { ant: honest, bee: honest, cow: honest, dog: honest, elk: honest, fox: honest, gnu: honest }
    const stage = await DisputeStage.open('enforce', { ...seven, cheat: constant }, withEdges)
    await stage.sealed(await stage.answerOf('cheat', 1))
    const given = await stage.answerOf('cheat', 0)
    const filed = await stage.file(given, { comment: 'No word about my question.' })
    expect([filed.status, filed.body.held > 0]).toEqual([201, true])
    const seen = await stage.decided(filed.body.id)
    expect(seen).toMatchObject({ state: 'upheld', verdict: 'upheld', hearings: [{ reruns: 3 }] })
    // Nothing but the question was on the wire: each scout that answered again got the body as it was.
    const askedAgain = Object.keys(seven).flatMap((name) => stage.bodiesAt(name).filter((body) => body === given.body))
    expect(askedAgain).toHaveLength(3)
    expect(await stage.seenByScout(filed.body.id, 'cheat')).toMatchObject({ verdict: 'upheld', comment: null })
  })
})
