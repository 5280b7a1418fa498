import { expect, test } from 'vitest'
import type { IntentEvent } from '../../../orchestrator/engine/ports/intents.ts'
import { eventsPortion, followedNodesMax } from '../../../shared/limits/intents.ts'
import { deltaLine, finishLine, roleLine, Work } from '../../support/hub/engine-bench.ts'
import { type Drawing, IntentsBench, outline } from '../../support/hub/intents-stage.ts'

const contentOf = ({ data }: IntentEvent) => JSON.parse(data).choices[0].delta.content as string

/** A client that follows an intent all the time, as quickly as there is something. */
function follow(bench: IntentsBench, id: string, lastEventId: string | null = null) {
  const reader = bench.engine.intents.events(id, null, lastEventId)!
  const heard: IntentEvent[] = []
  return {
    heard,
    reader,
    read(): IntentEvent[] {
      const events = reader.take()?.events ?? []
      heard.push(...events)
      return events
    },
  }
}

/** From every event that a newcomer is told, a client can go on and is told exactly the rest. */
function expectExactResumption(bench: IntentsBench, id: string): void {
  const all = bench.events(id)
  for (let at = 0; at < all.length; at++) {
    expect(bench.events(id, all[at]!.id), `after ${all[at]!.id}`).toEqual(all.slice(at + 1))
  }
}

/** One thing after the other happens to an intent with three tasks; `look` is called in between. */
async function story(bench: IntentsBench, drawing: Drawing, look: (id: string) => void): Promise<string> {
  const id = await bench.accepted(drawing)
  look(id)
  bench.join(['m'], 3)
  bench.turn()
  const works = bench.take('task').map(({ session, frame, body }) => new Work(bench, session, frame, body!))
  look(id)
  const [one, two] = works as [Work, Work]
  one.started()
  one.say(roleLine, deltaLine('lost '), deltaLine('words'))
  two.say(deltaLine('b1 '))
  look(id)
  one.fail('scout_error')
  bench.turn()
  look(id)
  two.say(deltaLine('b2 '), deltaLine('b3'))
  look(id)
  const session = bench.join(['m'], 2)
  bench.system.pass(2_000)
  const [again] = bench.take('task').filter(({ session: to }) => to === session)
  const third = new Work(bench, session, again!.frame, again!.body!)
  third.say(roleLine, deltaLine('a1 '))
  look(id)
  two.say(finishLine)
  two.done()
  bench.turn()
  look(id)
  third.say(deltaLine('a2'), finishLine)
  third.done()
  bench.turn()
  look(id)
  return id
}

const parallel: Drawing = { a: [], b: [], c: ['a', 'b'] }

test('of many nodes at once some are heard as they run, others later, each piece once, with short ids', async () => {
  const bench = new IntentsBench()
  const names = Array.from({ length: 3 * followedNodesMax }, (_, at) => `${'n'.repeat(50)}${at}`)
  const id = await bench.accepted({ ...Object.fromEntries(names.map((name) => [name, []])), end: [] })
  for (let scouts = 0; scouts * 8 <= names.length; scouts++) bench.join(['m'], 8)
  bench.turn()
  const works = bench.take('task').map(({ session, frame, body }) => new Work(bench, session, frame, body!))
  expect(works).toHaveLength(names.length + 1)
  const client = follow(bench, id)
  const chunksIn = (events: IntentEvent[]) => events.filter(({ type }) => type === 'chunk').length
  for (const work of works) work.say(deltaLine('1 '))
  expect(chunksIn(client.read())).toBe(followedNodesMax)
  let isReadable = false
  void client.reader.readable().then(() => {
    isReadable = true
  })
  await Promise.resolve()
  expect([isReadable, client.reader.take()]).toEqual([false, null])
  for (const work of works) work.say(deltaLine('2 '))
  expect(chunksIn(client.read())).toBe(followedNodesMax)
  works.pop()!.fail('scout_error', 'released')
  for (const work of works.splice(0, 5)) {
    work.say(finishLine)
    work.done()
  }
  bench.turn()
  client.read()
  for (const work of works.reverse()) {
    work.say(finishLine)
    work.done()
    bench.turn()
    client.read()
  }
  const chunks = client.heard.filter(({ type }) => type === 'chunk').map(({ data }) => JSON.parse(data))
  const pieces = chunks.map(({ node, attempt, index }) => `${node}/${attempt}/${index}`)
  expect(new Set(pieces).size).toBe(pieces.length)
  for (const name of names) expect(pieces).toContain(`${name}/1/1`)
  for (const { id: one } of client.heard) expect(one.length).toBeLessThan((followedNodesMax + 1) * 60)
  for (let at = 0; at < client.heard.length; at += 17) {
    const again = follow(bench, id, client.heard[at]!.id).read()
    expect(again.filter(({ type }) => type === 'chunk').every(({ id: one }) => one.length < 4_000)).toBe(true)
  }
})

test('events tell the life of an intent in its order: plan, attempts, pieces, resets, ends', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 2)
  const client = follow(bench, id)
  const first = bench.work()
  first.say(roleLine, deltaLine('Hel'), deltaLine('lo'), finishLine)
  client.read()
  first.done()
  bench.turn()
  client.read()
  bench.finish(bench.work(), 'World')
  client.read()
  expect(outline(client.heard)).toEqual([
    'planned',
    'task_started a 1',
    'chunk a 1 0',
    'chunk a 1 1',
    'chunk a 1 2',
    'task_settled a done',
    'task_started b 1',
    'chunk b 1 0',
    'task_settled b done',
    'done done',
  ])
  // What is over takes no room in an id.
  const ids = client.heard.map(({ id: last }) => last)
  expect(ids).toEqual(['1', '2', '2~a.1.1', '2~a.1.2', '2~a.1.3', '3', '4', '4~b.1.1', '5', '6'])
  const settled = JSON.parse(client.heard[5]!.data)
  expect(settled).toMatchObject({ served: { scout: 'operator/scout-1', model: 'm' }, usage: { completionTokens: 3 } })
  expect(client.reader.take()).toEqual({ events: [], ended: true })
  client.reader.close()
})

test('at every moment of an intent’s life, every event a newcomer is told is one to go on from', async () => {
  const bench = new IntentsBench()
  let keeper: ReturnType<typeof follow> | null = null
  const id = await story(bench, parallel, (intent) => {
    keeper ??= follow(bench, intent)
    expectExactResumption(bench, intent)
  })
  bench.finish(bench.work(), 'c1')
  expectExactResumption(bench, id)
  expect(bench.events(id, bench.events(id).at(-1)!.id)).toEqual([])
  keeper!.reader.close()
  expectExactResumption(bench, id)
})

test('a client that was cut off after any event it had heard misses nothing and hears nothing twice', async () => {
  const bench = new IntentsBench()
  let client: ReturnType<typeof follow> | null = null
  await story(bench, parallel, (id) => {
    // Another reader, which reads nothing: for it the lines of settled tasks stay.
    if (client === null) bench.engine.intents.events(id, null, null)
    client ??= follow(bench, id)
    client.read()
    const { heard } = client
    for (let at = 0; at < heard.length; at++) {
      const rest = bench.events(id, heard[at]!.id)
      const missed = heard.slice(at + 1)
      // Of an attempt that was reset, nothing is told any more.
      const resets = new Set(heard.filter(({ type }) => type === 'attempt_reset').map(({ data }) => keyOf(data)))
      const wanted = missed.filter(({ type, data }) => type !== 'chunk' || !resets.has(keyOf(data)))
      for (const node of [undefined, 'a', 'b', 'c']) {
        const ofNode = ({ data }: IntentEvent) => JSON.parse(data).node === node
        expect(outline(rest.filter(ofNode)), `after ${heard[at]!.id}`).toEqual(outline(wanted.filter(ofNode)))
      }
    }
  })
  const said = client!.heard.filter(({ type }) => type === 'chunk').map(contentOf)
  expect(said.join('')).toBe('lost wordsb1 b2 b3a1 a2')
})

function keyOf(data: string): string {
  const { node, attempt } = JSON.parse(data) as { node: string; attempt: number }
  return `${node} ${attempt}`
}

test('a newcomer is told of a reset before the next attempt’s pieces, and of each piece once', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  bench.join(['m'], 1)
  const first = bench.work()
  first.say(deltaLine('gone'))
  first.fail('scout_error')
  bench.turn()
  bench.join(['m'], 1)
  bench.system.pass(2_000)
  bench.work().say(deltaLine('kept '), deltaLine('too'))
  expect(outline(bench.events(id))).toEqual([
    'planned',
    'task_started a 1',
    'attempt_reset a 1',
    'task_started a 2',
    'chunk a 2 0',
    'chunk a 2 1',
  ])
})

test('after a restart a client goes on in the middle of an answer, from whichever piece it had', async () => {
  const before = new IntentsBench()
  const id = await before.accepted({ a: [] })
  before.join(['m'], 1)
  const work = before.work()
  const pieces = ['one ', 'two ', 'three ', 'four ', 'five']
  work.say(roleLine, ...pieces.slice(0, 3).map((text) => deltaLine(text)))
  const heard = before.events(id)
  expect(outline(heard)).toHaveLength(6)

  const bench = before.restart()
  const clients = heard.map(({ id: last }) => follow(bench, id, last))
  const session = bench.rejoin(work)
  const resumed = new Work(bench, session, work.lease, work.request)
  for (const client of clients) client.read()
  for (const line of [roleLine, ...pieces.map((text) => deltaLine(text)), finishLine]) {
    resumed.say(line)
    for (const client of clients) client.read()
  }
  resumed.done()
  bench.turn()
  for (const client of clients) client.read()
  const whole = [...outline(heard), 'chunk a 1 4', 'chunk a 1 5', 'task_settled a done', 'done done']
  for (const [at, client] of clients.entries()) {
    expect(outline(client.heard), `from ${heard[at]!.id} on`).toEqual(whole.slice(at + 1))
  }
})

test.each(['', 'x', '-1', '1e3', '99', '999999999999999', '1~', '1~a', '1~a.1', '1~../a.1.1', '1~a.1.1~'])(
  'an id that is not one of this intent, %j, begins at the beginning',
  async (strange) => {
    const bench = new IntentsBench()
    const id = await bench.accepted({ a: [] })
    bench.join(['m'], 1)
    const all = bench.events(id)
    expect(bench.events(id, strange)).toEqual(all)
    bench.finish(bench.work(), 'x')
    expect(outline(bench.events(id, strange))).toEqual(outline(bench.events(id)))
  },
)

test('a client that has had the last event is told that it was the last', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  bench.join(['m'], 1)
  bench.finish(bench.work(), 'x')
  const last = bench.events(id).at(-1)!
  const reader = bench.engine.intents.events(id, null, last.id)!
  expect(reader.take()).toEqual({ events: [], ended: true })
  reader.close()
})

test('a reader waits for news, is woken by each kind of it, and by its own end', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  const { reader, read } = follow(bench, id)
  read()
  let woken = 0
  const wait = () => void reader.readable().then(() => woken++)
  const expectWoken = async (times: number) => {
    await Promise.resolve()
    await Promise.resolve()
    expect(woken).toBe(times)
  }
  wait()
  await expectWoken(0)
  bench.join(['m'], 1)
  const work = bench.work()
  await expectWoken(1)
  read()
  wait()
  work.say(deltaLine('x'))
  await expectWoken(2)
  wait()
  await expectWoken(3)
  read()
  wait()
  work.say(finishLine)
  work.done()
  await expectWoken(3)
  bench.turn()
  await expectWoken(4)
  const other = follow(bench, id).reader
  other.close()
  await other.readable()
  reader.close()
  expect(reader.take()).toEqual({ events: [], ended: true })
})

test('a long history comes in portions, each told once and in order', async () => {
  const bench = new IntentsBench()
  const nodes = Array.from({ length: 150 }, (_, at) => [`n${at}`, at === 0 ? [] : [`n${at - 1}`]] as const)
  const id = await bench.accepted(Object.fromEntries(nodes.map(([node, needs]) => [node, [...needs]])))
  const session = bench.join(['m'], 1)
  for (const [at] of nodes.entries()) {
    bench.finish(bench.work(), 'x')
    if (at < nodes.length - 1) bench.scouts.credit(session, 1)
  }
  const reader = bench.engine.intents.events(id, null, null)!
  const portions: number[] = []
  const seen: string[] = []
  for (let ended = false; !ended; ) {
    const part = reader.take()!
    portions.push(part.events.length)
    seen.push(...outline(part.events))
    ended = part.ended
  }
  reader.close()
  expect([portions[0], seen.length, new Set(seen).size]).toEqual([eventsPortion, 302, 302])
})

test('pieces of a settled task are kept for who follows, and let go when nobody does', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 2)
  const client = follow(bench, id)
  bench.finish(bench.work(), 'kept')
  client.reader.close()
  expect(outline(bench.events(id)).filter((line) => line.startsWith('chunk'))).toEqual(['chunk a 1 0'])
  bench.finish(bench.work(), 'let go')
  expect(outline(bench.events(id))).not.toContain('chunk b 1 0')
  expect(outline(bench.events(id)).at(-1)).toBe('done done')
})

test('the lines of a settled task are freed as soon as every reader has its end', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 2)
  const quick = follow(bench, id)
  const slow = follow(bench, id)
  const work = bench.work()
  const sink = bench.engine.intents.sink(work.lease.task)!
  bench.finish(work, 'kept')
  quick.read()
  expect(sink.lines).toHaveLength(1)
  expect(outline(slow.read())).toContain('chunk a 1 0')
  expect(sink.lines).toEqual([])
  // Whoever follows from now on is told what happened, without the pieces.
  expect(outline(bench.events(id)).filter((line) => line.startsWith('chunk'))).toEqual([])
  expect(outline(quick.read())).toEqual([])
})

test('the lines of a settled task are freed when the last reader that lacks them leaves', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 2)
  const [quick, slow] = [follow(bench, id), follow(bench, id)]
  const work = bench.work()
  const sink = bench.engine.intents.sink(work.lease.task)!
  bench.finish(work, 'kept')
  quick.read()
  expect(sink.lines).toHaveLength(1)
  slow.reader.close()
  expect(sink.lines).toEqual([])
})

test('a reader that was cut off finds the lines that it lacks until the next task settles', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'], c: ['b'] })
  bench.join(['m'], 3)
  const reader = follow(bench, id)
  const work = bench.work()
  const sink = bench.engine.intents.sink(work.lease.task)!
  bench.finish(work, 'kept')
  reader.reader.close()
  expect(sink.lines).toHaveLength(1)
  bench.finish(bench.work(), 'let go')
  expect(sink.lines).toEqual([])
})

test('a settled task keeps its lines for its readers, and neither its answer nor its stream', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 2)
  const reader = follow(bench, id)
  const work = bench.work()
  const sink = bench.engine.intents.sink(work.lease.task)!
  bench.finish(work, 'kept')
  expect([sink.lines.length, sink.result(1)]).toEqual([1, undefined])
  reader.reader.close()
})
