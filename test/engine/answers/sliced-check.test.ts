/**
 * Long answers are checked in slices: the same verdict as in one go, and no turn of the loop sees more than a slice.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inspectBody, passBody } from '../../../orchestrator/engine/answers/answer-check.ts'
import { type Asked, askedUnknown } from '../../../orchestrator/engine/answers/asked.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import { SlicedScan } from '../../../shared/json/sliced-scan.ts'
import { answerPartsMax, answerSliceBytes, checkedBytesPerOperatorMax } from '../../../shared/limits/answers.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { EngineBench, Work, wholeAnswer } from '../../support/hub/engine-bench.ts'

const plenty = 3_000_000
const plain = new JsonScan()
const sliced = new SlicedScan()

function passesAtOnce(bytes: Uint8Array, valuesMax = plenty): boolean {
  if (!plain.begin(bytes, valuesMax)) return false
  plain.skip()
  return plain.end()
}

/** Whether it passes in slices, how many there were and how far the longest went. */
function inSlices(bytes: Uint8Array, sliceBytes: number, valuesMax = plenty) {
  let slices = 1
  let longest = 0
  if (!sliced.begin(bytes, valuesMax)) return { passes: false, slices, longest }
  for (let from = sliced.at; ; from = sliced.at) {
    const isOver = sliced.pass(sliceBytes)
    longest = Math.max(longest, sliced.at - from)
    if (isOver) return { passes: sliced.end(), slices, longest }
    slices++
  }
}

const json = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value))
const mutated = fc
  .tuple(
    json,
    fc.nat(),
    fc.nat(2),
    fc.constantFrom('', '"', '\\', ',', '}', ']', '1', '\\u00', '"a":1,"a":1', '\u0001'),
  )
  .map(([text, at, cut, put]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + put + text.slice(place + cut)
  })

test('slices of any size come to the verdict that one look comes to', () => {
  let refused = 0
  fc.assert(
    fc.property(mutated, fc.integer({ min: 1, max: 20 }), (text, sliceBytes) => {
      const bytes = Buffer.from(text)
      const expected = passesAtOnce(bytes)
      if (!expected) refused++
      expect(inSlices(bytes, sliceBytes).passes, text).toBe(expected)
    }),
    { numRuns: 5_000, seed: 21 },
  )
  expect(refused).toBeGreaterThan(500)
})

test.each([
  ['one text', `["${'x'.repeat(4_000_000)}"]`],
  ['one text of escapes', `["${'\\n'.repeat(2_000_000)}"]`],
  ['numbers', `[${'0,'.repeat(2_000_000)}0]`],
  ['small objects', `[${'{"a":{}},'.repeat(60_000)}0]`],
  ['texts', `[${'"abcdefghijklmnop",'.repeat(190_000)}0]`],
])('no slice of four megabytes of %s goes far beyond its bytes', (_, text) => {
  const { passes, slices, longest } = inSlices(Buffer.from(text), answerSliceBytes)
  expect(passes).toBe(true)
  expect(longest).toBeLessThan(answerSliceBytes + 512)
  expect(slices).toBeGreaterThanOrEqual(Math.floor(text.length / (answerSliceBytes + 512)))
})

test('a name without end is given up after a few bytes', () => {
  const { passes, longest } = inSlices(Buffer.from(`{"${'n'.repeat(4_000_000)}":1}`), answerSliceBytes)
  expect([passes, longest < 1_000]).toEqual([false, true])
})

test('bounds hold across slices', () => {
  const wide = `[${'[],'.repeat(answerPartsMax)}0]`
  expect(inSlices(Buffer.from(wide), 1_000).passes).toBe(false)
  expect(inSlices(Buffer.from('[1,1,1,1]'), 2, 4).passes).toBe(false)
  expect(inSlices(Buffer.from('['.repeat(1_000_000)), 1_000).passes).toBe(false)
})

// ---------------------------------------------------------------- what the walk finds behind it

function sourceOf(asked: Partial<Asked> = {}) {
  return { requestBytes: 1_000, asked: () => ({ ...askedUnknown, ...asked }) }
}

function inspectLong(body: Uint8Array, kind: 'chat' | 'embed', asked: Partial<Asked> = {}) {
  const steps = passBody(body)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value === null ? null : inspectBody(body, kind, false, sourceOf(asked), 0, step.value)
}

const long = 'long text \\n\\u00fc '.repeat(200)
const vector = (numbers: number) => `[${Array.from({ length: numbers }, (_, at) => at / 7).join(', ')}]`

describe('the walk over what was passed', () => {
  const usage = '"usage":{"prompt_tokens":9,"completion_tokens":4}'
  const cases: [what: string, kind: 'chat' | 'embed', asked: Partial<Asked>, body: string][] = [
    ['a text', 'chat', {}, `{"choices":[{"index":0,"message":{"content":"${long}"},"finish_reason":"stop"}],${usage}}`],
    [
      'what else an answer has',
      'chat',
      {},
      `{"x":[["${long}"]],"choices":[{"message":{"a":{"b":"${long}"}}}],${usage}}`,
    ],
    ['content that is no text', 'chat', {}, `{"choices":[{"index":0,"message":{"content":["${long}"]}}]}`],
    ['a second choice too many', 'chat', {}, `{"choices":[{"message":{"content":"${long}"}},{"message":{}}]}`],
    ['no choices', 'chat', {}, `{"x":"${long}"}`],
    ['choices that are a text', 'chat', {}, `{"choices":"${long}"}`],
    [
      'embeddings',
      'embed',
      { inputs: 2 },
      `{"data":[{"embedding":${vector(700)}},{"embedding":${vector(700)}}],${usage}}`,
    ],
    ['too few embeddings', 'embed', { inputs: 2 }, `{"data":[{"embedding":${vector(700)}}]}`],
    ['embeddings of two sizes', 'embed', {}, `{"data":[{"embedding":${vector(700)}},{"embedding":${vector(699)}}]}`],
    ['an embedding with a text in it', 'embed', {}, `{"data":[{"embedding":[${vector(700).slice(1, -1)},"x"]}]}`],
    ['an embedding in a list', 'embed', {}, `{"data":[{"embedding":[${vector(700)}]}]}`],
    ['base64', 'embed', { inputs: 1 }, `{"data":[{"embedding":"${'AAAA'.repeat(1_000)}"}]}`],
    ['half a document', 'chat', {}, `{"choices":[{"index":0,"message":{"content":"${long}`],
  ]
  test.each(cases)('finds of %s what one look finds', (_, kind, asked, body) => {
    const bytes = Buffer.from(body)
    expect(inspectLong(bytes, kind, asked)).toEqual(inspectBody(bytes, kind, false, sourceOf(asked)))
  })

  test('reads little of a large embedding a second time', () => {
    const scan = new SlicedScan()
    const bytes = Buffer.from(`{"data":[{"embedding":${vector(100_000)}}]}`)
    scan.begin(bytes, plenty)
    while (!scan.pass(answerSliceBytes));
    expect(scan.end()).toBe(true)
    const walk = new JsonScan()
    walk.begin(bytes, 50, scan.spans)
    walk.enterObject()
    walk.nextField()
    expect(walk.enterList() && walk.nextItem() && walk.enterObject() && walk.nextField()).toBe(true)
    expect(walk.numbers()).toBe(100_000)
    expect(walk.failed).toBe(false)
  })
})

// ---------------------------------------------------------------- in the engine

const bigText = 'word '.repeat(400_000)
const bigAnswer = JSON.stringify({
  choices: [{ index: 0, message: { role: 'assistant', content: bigText }, finish_reason: 'stop' }],
  usage: { completion_tokens: 400_000 },
})

function stage(credits = 2) {
  const bench = new EngineBench()
  const session = bench.join(['m'], credits)
  const begin = () => {
    const answer = bench.ask({ stream: false })
    return { answer, work: bench.work() }
  }
  return { bench, session, begin }
}

describe('a long answer', () => {
  test('takes as many turns as it has slices, and others are answered meanwhile', () => {
    const { bench, begin } = stage()
    const long = begin()
    const short = begin()
    long.work.done(bigAnswer)
    let turns = 0
    expect(bench.engine.stats().answersInCheck).toBe(1)
    short.work.done(wholeAnswer)
    expect(short.answer.take()?.end?.type).toBe('done')
    for (; bench.engine.stats().answersInCheck > 0; turns++) {
      expect(long.answer.take()).toBeNull()
      bench.system.turn()
    }
    bench.engine.flush()
    expect(turns).toBeGreaterThanOrEqual(Math.floor(bigAnswer.length / answerSliceBytes))
    const end = long.answer.take()?.end
    expect(end?.type === 'done' && end.body.length).toBe(bigAnswer.length)
    expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['committed', 'committed'])
  })

  test('of which many come in one turn are checked one after the other', () => {
    const { bench, begin } = stage(4)
    const all = [begin(), begin(), begin(), begin()]
    for (const { work } of all) work.done(bigAnswer)
    let turns = 0
    while (bench.engine.stats().answersInCheck > 0) {
      bench.system.turn()
      turns++
    }
    bench.engine.flush()
    expect(turns).toBeGreaterThanOrEqual(4 * Math.floor(bigAnswer.length / answerSliceBytes))
    expect(all.map(({ answer }) => answer.take()?.end?.type)).toEqual(['done', 'done', 'done', 'done'])
  })

  test('that is none fails its attempt like a short one', () => {
    const { bench, begin } = stage()
    const { work } = begin()
    work.done(`${bigAnswer.slice(0, -1)}]`)
    bench.system.pass(0)
    expect(bench.take('settled')).toHaveLength(1)
    expect([...bench.engine.core.state.roster.records.values()]).toMatchObject([{ done: 0, failed: 1 }])
  })

  test('counts not when its scout goes before the check is over, and comes again with the scout', () => {
    const { bench, session, begin } = stage(1)
    const { answer, work } = begin()
    work.done(bigAnswer)
    bench.system.turn()
    bench.scouts.gone(session)
    bench.system.pass(0)
    expect(answer.take()).toBeNull()
    expect(bench.engine.stats().answersInCheck).toBe(0)
    bench.join(['m'], 1)
    bench.system.pass(1_000)
    bench.work().done(wholeAnswer)
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('of a client that left meanwhile gets its scout a verdict all the same', () => {
    const { bench, begin } = stage(1)
    const { answer, work } = begin()
    work.done(bigAnswer)
    answer.abandon()
    bench.system.pass(0)
    expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['stale'])
    expect([...bench.engine.core.state.roster.bySession.values()][0]!.cancels?.size ?? 0).toBe(0)
  })

  test('is followed by nothing that counts while it is checked', () => {
    const { bench, begin } = stage(1)
    const { answer, work } = begin()
    work.done(bigAnswer)
    work.done('no answer')
    work.fail('scout_error')
    bench.system.pass(0)
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('that arrives over a second socket is checked anew', () => {
    const { bench, session } = stage(1)
    const answer = bench.ask({ stream: false, routing: {} })
    const work = bench.work()
    work.done(bigAnswer)
    bench.system.turn()
    const { task, attempt, nonce } = work.lease
    const held: [number, number, Uint8Array][] = [[task, attempt, nonce]]
    const again = bench.join(['m'], 0, { name: `scout-${session}`, instance: `instance-${session}`, held })
    bench.system.pass(0)
    const [welcome] = bench.take('welcome').filter(({ session: to }) => to === again)
    if (welcome!.frame.held[0]![2] === 'resumed') new Work(bench, again, work.lease, work.request).done(bigAnswer)
    else bench.scouts.credit(again, 1)
    bench.system.pass(0)
    for (const { session: to, frame, body } of bench.take('task')) new Work(bench, to, frame, body!).done(bigAnswer)
    bench.system.pass(0)
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('beyond what one operator may have in check fails its attempt', () => {
    const each = bodyBytesMax
    const most = checkedBytesPerOperatorMax / each
    const { bench, begin } = stage(8)
    bench.join(['m'], 8)
    const all = Array.from({ length: most + 1 }, begin)
    const body = bigAnswer.replace('"usage"', `"pad":"${'x'.repeat(each - bigAnswer.length - 9)}","usage"`)
    expect(body).toHaveLength(each)
    for (const { work } of all) work.done(body)
    expect(bench.engine.stats().answersInCheck).toBe(most)
    bench.system.pass(0)
    const records = [...bench.engine.core.state.roster.records.values()]
    expect(records.reduce((sum, { failed }) => sum + failed, 0)).toBe(1)
    expect(all.filter(({ answer }) => answer.take()?.end?.type === 'done')).toHaveLength(most)
  })
})
