import { describe, expect, test } from 'vitest'
import { keepChain } from '../../../orchestrator/cluster/hub-files.ts'
import { IntentJournal } from '../../../orchestrator/cluster/journal/intent-journal.ts'
import type { Marked } from '../../../orchestrator/cluster/journal/marks.ts'
import { partBytes } from '../../../orchestrator/cluster/journal/record.ts'
import { Takeover } from '../../../orchestrator/cluster/journal/takeover.ts'
import { prefixOf } from '../../../orchestrator/cluster/membership.ts'
import { sealMessage } from '../../../orchestrator/cluster/roster/message.ts'
import { removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import type { IntentHost } from '../../../orchestrator/engine/ports/intents.ts'
import { stillSpeaksMs, takeoverLookMs, takeoverMs } from '../../../shared/limits/cluster/journal.ts'
import { presenceMs } from '../../../shared/limits/cluster/presence.ts'
import { leaseGraceMs, leaseTtlMs } from '../../../shared/limits/scheduling.ts'
import { realSystem } from '../../../shared/system.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'
import { LogModel, noLogTrouble } from '../../support/cluster/model-log.ts'
import { folderOf, good, networkOf, signedByAll, type TestHub, testHub } from '../../support/cluster/network.ts'
import { accepted, finishAt, hubNames, three, workers } from '../../support/cluster/three-hubs.ts'
import { FickleDisk, outline } from '../../support/hub/intents-stage.ts'
import { event, intentRow, newIntent } from '../../support/store/store-rows.ts'

/** The state as this hub shows it; brings what is elsewhere. */
async function shown(stage: EngineNetwork, { bench }: EngineHub, id: string): Promise<string | undefined> {
  let brought = false
  void Promise.resolve(bench.engine.intents.bring(id)).then(() => {
    brought = true
  })
  await stage.until('the intent to be brought', () => brought)
  return bench.engine.intents.intent(id, null)?.state
}

/** An intent of this hub with its only scout, and as who that scout comes to another hub. */
async function leased(stage: EngineNetwork, hub: EngineHub) {
  const id = await accepted(stage, hub)
  const { bench } = hub
  bench.join(['m'], 1)
  await stage.until('the lease', () => bench.sent.some(({ frame }) => frame.type === 'task'))
  const { task, attempt, nonce } = bench.work().lease
  const held = [[task, attempt, nonce]] as [number, number, Uint8Array][]
  return { id, who: { name: 'scout-1', instance: 'instance-1', held } }
}

/** What becomes of the one lease that a scout presents to both of these. */
async function verdictsAt(stage: EngineNetwork, hubs: readonly EngineHub[]) {
  await stage.until('both to be welcome', () => {
    return hubs.every(({ bench }) => bench.sent.some(({ frame }) => frame.type === 'welcome'))
  })
  return hubs.map(({ bench }) => bench.take('welcome')[0]!.frame.held[0]![2])
}

describe('an intent in a network', () => {
  test('is accepted once it is in the journal, ends where it is, and is read and followed anywhere', async () => {
    const { stage, a, b, c } = await three()
    const id = await accepted(stage, a)
    expect(await shown(stage, b, id)).toBe('running')
    await finishAt(stage, a)
    await stage.until('its end', () => a.bench.engine.intents.intent(id, null)?.state === 'done')
    expect(await shown(stage, c, id)).toBe('done')
    const result = Buffer.from(c.bench.engine.intents.result(id, 'answer')!).toString()
    expect(result).toContain('hello')
    const events = a.bench.events(id)
    expect(c.bench.events(id)).toEqual(events)
    expect(c.bench.events(id, events[1]!.id)).toEqual(events.slice(2))
    expect(await shown(stage, c, 'int_nothing')).toBeUndefined()
  })

  test('whose hub is killed for good goes on at another one, and its end is read at the third', async () => {
    const { stage, a, b, c } = await three()
    const id = await accepted(stage, a)
    a.die()
    const diedMs = stage.system.nowMs()
    await stage.until('another hub to have it', () => workers(stage, id).length > 0)
    expect(stage.system.nowMs() - diedMs).toBeLessThan(20_000)
    const [taker] = workers(stage, id)
    const [at, other] = taker === 'beta' ? [b, c] : [c, b]
    const followed = other.bench.engine.intents
    expect(await shown(stage, other, id)).toBe('running')
    const reader = followed.events(id, null, null)!
    expect(outline(reader.take()!.events)).toEqual(['planned'])
    await finishAt(stage, at)
    await stage.until('its end', () => at.bench.engine.intents.intent(id, null)?.state === 'done')
    const told: string[] = []
    await stage.until('the reader to have all', () => {
      const part = reader.take()
      told.push(...outline(part?.events ?? []))
      return part?.ended === true
    })
    expect(told).toEqual(['task_started answer 1', 'chunk answer 1 0', 'task_settled answer done', 'done done'])
    expect(await shown(stage, other, id)).toBe('done')
  })

  test('comes back with its hub, with the same lease, when that starts anew before others take it', async () => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    a.bench.join(['m'], 1)
    await stage.until('the lease', () => a.bench.sent.some(({ frame }) => frame.type === 'task'))
    const work = a.bench.work()
    const again = a.restart()
    await stage.until('alpha to have it', () => workers(stage, id).includes('alpha'))
    work.session = again.bench.rejoin(work)
    const settled = { ...work, bench: again.bench }
    expect(again.bench.take('welcome').map(({ frame }) => frame.held.map(([, , verdict]) => verdict))).toEqual([
      ['resumed'],
    ])
    expect(settled.lease.attempt).toBe(1)
    await stage.pass(2 * takeoverMs)
    expect(workers(stage, id)).toEqual(['alpha'])
  })

  test('is met by its scout at the next hub, which welcomes that once it has the intent', async () => {
    const { stage, a, b, c } = await three()
    const { id, who } = await leased(stage, a)
    a.die()
    await stage.pass(3_000)
    for (const { bench } of [b, c]) bench.join(['m'], 0, who)
    await stage.pass(2_000)
    expect([b.bench.take('welcome'), c.bench.take('welcome')]).toEqual([[], []])
    expect(await verdictsAt(stage, [b, c])).toEqual(['resumed', 'stale'])
    expect(workers(stage, id)).toEqual(['beta'])
  })

  test('is met by its scout though the last word of its hub comes later than the scout', async () => {
    const { stage, a, b, c } = await three()
    const { id, who } = await leased(stage, a)
    // Of a hub of several processes, the one with its socket has ended first.
    for (const { bench } of [b, c]) bench.join(['m'], 0, who)
    await stage.pass(presenceMs)
    a.die()
    expect(await verdictsAt(stage, [b, c])).toEqual(['resumed', 'stale'])
    expect(workers(stage, id)).toEqual(['beta'])
  })

  test('is not waited for by a scout whose hub goes on, or has started anew', async () => {
    const { stage, a, b, c } = await three()
    const { who } = await leased(stage, a)
    b.bench.join(['m'], 0, who)
    await stage.pass(stillSpeaksMs + presenceMs + takeoverLookMs)
    expect(b.bench.take('welcome')[0]!.frame.held[0]![2]).toBe('stale')
    c.bench.join(['m'], 0, who)
    // Starts are numbered by the second.
    a.die()
    await stage.pass(1_000)
    a.restart()
    const welcomed = () => c.bench.sent.some(({ frame }) => frame.type === 'welcome')
    await stage.until('it to be welcome', welcomed, presenceMs + takeoverLookMs)
    expect(c.bench.take('welcome')[0]!.frame.held[0]![2]).toBe('stale')
  })

  test('that was leased waits one lease for its scout at the hub that took it, then another scout has it', async () => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    a.bench.join(['m'], 1)
    await stage.until('the lease', () => a.bench.sent.some(({ frame }) => frame.type === 'task'))
    a.die()
    await stage.until('another hub to have it', () => workers(stage, id).length > 0)
    const at = stage.hub(workers(stage, id)[0]!)
    at.bench.join(['m'], 1, { name: 'other', instance: 'other' })
    await stage.pass(leaseTtlMs / 2)
    expect(at.bench.take('task')).toEqual([])
    await stage.pass(leaseTtlMs + leaseGraceMs)
    const work = at.bench.work()
    expect(work.lease.attempt).toBe(2)
    at.bench.finish(work, 'hello')
    await stage.until('its end', () => at.bench.engine.intents.intent(id, null)?.state === 'done')
  })

  test('is let go of by a hub that was cut off: its scouts hear stale, and nothing is committed twice', async () => {
    const { stage, a, b, c } = await three()
    const id = await accepted(stage, a)
    a.bench.join(['m'], 1)
    await stage.until('the lease', () => a.bench.sent.some(({ frame }) => frame.type === 'task'))
    const work = a.bench.work()
    a.cut(true)
    work.started()
    work.say(
      '{"choices":[{"index":0,"delta":{"content":"late"}}]}',
      '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    )
    work.done()
    await stage.until('another hub to have it', () => workers(stage, id).some((name) => name !== 'alpha'))
    const at = stage.hub(workers(stage, id).find((name) => name !== 'alpha')!)
    a.cut(false)
    await stage.until('its scout to hear', () => a.bench.sent.some(({ frame }) => frame.type === 'settled'))
    expect(a.bench.take('settled').flatMap(({ frame }) => frame.acks.map(([, , verdict]) => verdict))).toEqual([
      'stale',
    ])
    await stage.pass(leaseTtlMs + leaseGraceMs)
    await finishAt(stage, at)
    await stage.until('its end', () => at.bench.engine.intents.intent(id, null)?.state === 'done')
    for (const hub of [a, b, c]) {
      expect(await shown(stage, hub, id)).toBe('done')
      const ends = hub.bench.events(id).filter(({ type }) => type === 'task_settled')
      expect(ends).toHaveLength(1)
      expect(Buffer.from(hub.bench.engine.intents.result(id, 'answer')!).toString()).toContain('hello')
    }
    expect(a.bench.defects).toEqual([])
  })

  test('that is begun while its hub still looks for what it had before is not taken for one of those', async () => {
    const stage = new EngineNetwork(hubNames)
    const a = stage.hub('alpha')
    a.log.cut(true)
    await stage.pass(500)
    // Its mark is there before its first record.
    stage.logs.lateMs = (subject) => (subject.includes('.intent.') ? 2_000 : 0)
    a.log.cut(false)
    const id = await accepted(stage, a)
    a.die()
    await stage.until('beta to have it', () => workers(stage, id).includes('beta'))
  })

  test('is refused while the log is away, and what was accepted before goes on once it is back', async () => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    a.log.cut(true)
    const refused = await a.bench.accept({ answer: [] })
    expect(refused).toMatchObject({ type: 'refused', fault: { code: 'store_unavailable', retryAfterMs: 5_000 } })
    a.bench.join(['m'], 1)
    await stage.pass(3_000)
    expect(a.bench.take('task')).toEqual([])
    a.log.cut(false)
    await stage.until('the lease', () => a.bench.sent.some(({ frame }) => frame.type === 'task'))
    a.bench.finish(a.bench.work(), 'hello')
    await stage.until('its end', () => a.bench.engine.intents.intent(id, null)?.state === 'done')
  })

  test('is refused when the stream is full, with those under way going on as far as there is room', async () => {
    const { stage, a } = await three()
    await accepted(stage, a)
    stage.logs.isFull = true
    await stage.pass(15_000)
    const refused = await a.bench.accept({ answer: [] })
    expect(refused).toMatchObject({ type: 'refused', fault: { code: 'store_unavailable' } })
  })

  test('that a hub had before it was in a network stays its own', async () => {
    const stage = new EngineNetwork(hubNames)
    const a = stage.hub('alpha')
    a.die()
    const alone = a.bench.restart()
    const id = await alone.accepted({ answer: [] })
    const again = a.restart()
    await stage.until('alpha to have it', () => workers(stage, id).includes('alpha'))
    await finishAt(stage, again)
    await stage.until('its end', () => again.bench.engine.intents.intent(id, null)?.state === 'done')
    expect(stage.logs.stored.filter(({ subject }) => subject.endsWith(id))).toEqual([])
  })

  test('is found again by a hub that lost its store, and lost by no hub whose answers get lost', async () => {
    const { stage, a } = await three()
    stage.logs.trouble = { ...noLogTrouble, delayMs: [1, 40], lostQuestions: 0.1, lostAnswers: 0.1 }
    const ids: string[] = []
    for (let at = 0; at < 5; at++) ids.push(await accepted(stage, a))
    a.fickle.disk.intents.clear()
    a.fickle.disk.tasks.clear()
    const again = a.restart()
    await stage.until('alpha to have all', () => ids.every((id) => workers(stage, id).includes('alpha')))
    expect(again.bench.defects).toEqual([])
  })

  test('of a hub that was removed goes on elsewhere at once, and what that one still writes is nothing', async () => {
    const { stage, a, b, c } = await three()
    const id = await accepted(stage, c)
    const hubs = hubNames.map((name, at) => testHub(name, at + 1)) as [TestHub, TestHub, TestHub]
    const shrunk = good(stage.chain.extended(signedByAll(good(removing(stage.chain, 'gamma')), hubs.slice(0, 2)).next))
    expect(keepChain(a.dataDir, shrunk)).toBeNull()
    const removedMs = stage.system.nowMs()
    await stage.until('alpha to have it', () => workers(stage, id).includes('alpha'))
    expect(stage.system.nowMs() - removedMs).toBeLessThan(5_000)
    expect(c.network.listing().standing).toBe('removed')
    // With the epoch in which it was an authority.
    const subject = stage.logs.stored.find((one) => one.subject.endsWith(`.intent.${id}`))!.subject
    const last = stage.logs.lastOf(subject)
    const part = partBytes({ kind: 'taken', previous: last, part: 0, parts: 1, body: new Uint8Array(0) })
    const head = { from: { name: 'gamma', boot: 1 }, to: null, epoch: stage.chain.epoch, number: 1 }
    stage.logs.append(subject, sealMessage(head, subject, part, hubs[2].identity), last)
    await finishAt(stage, a)
    await stage.until('its end', () => a.bench.engine.intents.intent(id, null)?.state === 'done')
    expect(await shown(stage, b, id)).toBe('done')
  })

  test('is worked on by the newer of two processes with one identity, and by the elder not any more', async () => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    // Starts are numbered by the second.
    await stage.pass(2_000)
    const newer = stage.add(a.hub, folderOf(a.hub, stage.chain), new FickleDisk())
    await stage.until('the newer one to have it', () => newer.bench.engine.core.state.intents.has(id))
    await stage.until('the elder to know', () => a.network.listing().standing === 'double')
    a.bench.join(['m'], 1)
    await finishAt(stage, newer)
    await stage.until('its end', () => newer.bench.engine.intents.intent(id, null)?.state === 'done')
    expect(a.bench.take('task')).toEqual([])
    a.die()
  })
})

test('a hub that stops while it reads its marks asks its closed store for nothing more', async () => {
  const system = new ManualSystem()
  const alpha = testHub('alpha', 1)
  const asked: string[] = []
  const host = { waiting: () => asked.push('waiting') && [], take: () => asked.push('take') && [] }
  let answer = (_: Marked) => {}
  const marks = { settle: async () => {}, of: () => new Promise((resolve) => (answer = resolve)) }
  const takeover = new Takeover({
    ...{ system, host: host as unknown as IntentHost, log: { info: () => {}, error: () => {} } },
    journal: { trouble: null, marks, take: async () => asked.push('journal'), decided: () => null } as never,
    membership: { own: { name: 'alpha', boot: 1 }, chain: networkOf([alpha]) },
    peers: { get: () => undefined, here: () => [] },
  })
  takeover.start()
  system.pass(0)
  await Promise.resolve()
  takeover.stop()
  answer({ marks: [{ name: '0-1', intents: ['int_1'] }], end: 1, isWhole: true })
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(asked).toEqual([])
})

test('an intent that a process has is not taken by it once more', async () => {
  const system = realSystem()
  const hub = testHub('alpha', 1)
  const chain = networkOf([hub])
  const own = { name: 'alpha', boot: 1 }
  const prefix = prefixOf(chain)
  const log = new LogModel(system)
  const head = { from: own, to: null, epoch: chain.epoch, number: 1 }
  const sign = (subject: string, payload: Uint8Array) => sealMessage(head, subject, payload, hub.identity)
  const membership = { standing: 'member' as const, chain, own, prefix, sign }
  const journal = new IntentJournal({ system, log: log.connect(), membership })
  await journal.append([{ intent: 'int_1', writes: [event('int_1', 1), newIntent(intentRow('int_1'), [])] }])
  expect(await journal.take('int_1', 'alpha')).toEqual({ is: 'here' })
  expect(log.of(`${prefix}.intent.int_1`)).toHaveLength(1)
})
