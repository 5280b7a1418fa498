/** Lines of the failure table in docs/operations/run-a-network.md that have no other test. */
import { describe, expect, test } from 'vitest'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'
import { deltaLine, finishLine, textOf } from '../../support/hub/engine-bench.ts'

const names = ['alpha', 'beta', 'gamma']
const minuteMs = 60_000

async function whole(stage: EngineNetwork): Promise<[EngineHub, EngineHub, EngineHub]> {
  await stage.until('all to be here', () => names.every((name) => stage.hub(name).network.counts().here === 2))
  return names.map((name) => stage.hub(name)) as [EngineHub, EngineHub, EngineHub]
}

async function accepted(stage: EngineNetwork, hub: EngineHub): Promise<string> {
  let id = ''
  void hub.bench.accepted({ answer: [] }).then((given) => {
    id = given
  })
  await stage.until('the intent to be accepted', () => id !== '')
  return id
}

async function finishAt(stage: EngineNetwork, { bench }: EngineHub, id: string): Promise<void> {
  bench.join(['m'], 1)
  await stage.until('the lease', () => bench.sent.some(({ frame }) => frame.type === 'task'))
  bench.finish(bench.work(), 'hello')
  await stage.until('its end', () => bench.engine.intents.intent(id, null)?.state === 'done')
}

describe('a network', () => {
  test('whose clocks differ by minutes goes on as any other one, also when a hub dies', async () => {
    const ahead: Record<string, number> = { alpha: 7 * minuteMs, beta: -9 * minuteMs, gamma: 0 }
    const stage = new EngineNetwork(names, {}, undefined, (name) => ahead[name]!)
    const [a, b] = await whole(stage)
    const id = await accepted(stage, a)
    a.die()
    const diedMs = stage.system.nowMs()
    await stage.until('beta to have it', () => b.bench.engine.core.state.intents.has(id))
    expect(stage.system.nowMs() - diedMs).toBeLessThan(20_000)
    await finishAt(stage, b, id)
    expect(names.slice(1).map((name) => stage.hub(name).network.counts().dropped)).toMatchObject([
      { forged: 0, replayed: 0, epoch: 0 },
      { forged: 0, replayed: 0, epoch: 0 },
    ])
  })

  test('that lost a hub to a broken line: chats with its own scouts go on there, intents are refused', async () => {
    const stage = new EngineNetwork(names)
    const [a] = await whole(stage)
    a.cut(true)
    await stage.pass(1_000)
    a.bench.join(['m'], 1)
    const answer = a.bench.ask()
    const work = a.bench.work()
    work.started()
    work.say(deltaLine('hello'), finishLine)
    work.done()
    const lines = textOf(answer.take()!.lines)
    expect(lines[0]).toContain('hello')
    expect(await a.bench.accept({ answer: [] })).toMatchObject({
      ...{ type: 'refused', fault: { code: 'store_unavailable', retryAfterMs: 5_000 } },
    })
  })

  test('that lost all of its servers is together again without a start, and each hub kept what it had', async () => {
    const stage = new EngineNetwork(names)
    const hubs = await whole(stage)
    const [a] = hubs
    const id = await accepted(stage, a)
    for (const hub of hubs) hub.cut(true)
    await stage.pass(2 * minuteMs)
    expect(hubs.map(({ network }) => network.counts().here)).toEqual([0, 0, 0])
    const refused = await a.bench.accept({ answer: [] })
    expect(refused).toMatchObject({ type: 'refused', fault: { code: 'store_unavailable' } })
    for (const hub of hubs) hub.cut(false)
    await whole(stage)
    expect(hubs.filter(({ bench }) => bench.engine.core.state.intents.has(id)).map(({ hub }) => hub.name)).toEqual([
      'alpha',
    ])
    await finishAt(stage, a, id)
    expect(await accepted(stage, stage.hub('gamma'))).toMatch(/^int_/)
  })
})
