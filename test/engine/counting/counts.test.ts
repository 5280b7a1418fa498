import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../orchestrator/core/model/random.ts'
import { inspectBody } from '../../../orchestrator/engine/answers/answer-check.ts'
import { askedUnknown } from '../../../orchestrator/engine/answers/asked.ts'
import { countRequest, isLongRequest } from '../../../orchestrator/engine/counting/request-count.ts'
import {
  isOneText as isPlainText,
  oneText as plainText,
  SpokenAnswer,
} from '../../../orchestrator/engine/counting/spoken-answer.ts'
import { SpokenText } from '../../../orchestrator/engine/counting/spoken-text.ts'
import { WorkCounter } from '../../../orchestrator/engine/counting/task-count.ts'
import { countSliceBytes } from '../../../shared/limits/ledger/ledger.ts'
import { atOnce, type Steps } from '../../../shared/turn-lane.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

const bytesOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const sha256 = (text: string) => new Uint8Array(createHash('sha256').update(text).digest())
const chat = (content: unknown, more: object = {}) =>
  bytesOf({ model: 'm', messages: [{ role: 'user', content }], ...more })

describe('a request is counted', () => {
  test('by the bytes of its texts, and its media', () => {
    expect(countRequest(chat('four'))).toMatchObject({ textBytes: 4, media: 0, answerUnitsMax: null })
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(9_000)}` } }
    expect(countRequest(chat([{ type: 'text', text: 'what?' }, image, image]))).toMatchObject({
      textBytes: 5,
      media: 2,
    })
    expect(countRequest(bytesOf({ model: 'e', input: ['ab', 'cde'] }))).toMatchObject({ textBytes: 5 })
    expect(countRequest(bytesOf({ model: 'e', input: [1, 2, 3] }))).toMatchObject({ textBytes: 12 })
    expect(countRequest(bytesOf({ model: 'e', input: [[1, 2], [3]] }))).toMatchObject({ textBytes: 12 })
    expect(countRequest(bytesOf({ model: 'e', input: 'ab' }))).toMatchObject({ textBytes: 2 })
  })

  test('with the limit of its answer, of all choices together', () => {
    expect(countRequest(chat('a', { max_tokens: 10 })).answerUnitsMax).toBe(10)
    expect(countRequest(chat('a', { max_completion_tokens: 10, n: 3 })).answerUnitsMax).toBe(30)
    expect(countRequest(chat('a', { max_tokens: null })).answerUnitsMax).toBeNull()
    expect(countRequest(chat('a', { max_tokens: -1e300 })).answerUnitsMax).toBe(0)
  })

  test('as equal to others with the same texts, whatever stands around them', () => {
    const hash = countRequest(chat('same')).textsHash
    expect(countRequest(chat('same', { stream: true, model: 'x' })).textsHash).toBe(hash)
    expect(countRequest(chat('other')).textsHash).not.toBe(hash)
  })

  test('by what is left of filler, at its ends and in between', () => {
    const noise = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes / 2))).toString('hex')
    expect(countRequest(chat('a'.repeat(4_000))).textBytes).toBe(4_000)
    expect(countRequest(chat('a'.repeat(100_000))).textBytes).toBeLessThan(10_000)
    expect(countRequest(chat(noise(100_000))).textBytes).toBe(100_000)
    expect(countRequest(chat('a'.repeat(50_000) + noise(50_000) + 'a'.repeat(50_000))).textBytes).toBeGreaterThan(
      50_000,
    )
  })

  test('as nothing when it cannot be read', () => {
    expect(countRequest(bytesOf('{"messages":['))).toMatchObject({ textBytes: 0, media: 0 })
    expect(countRequest(bytesOf('[]'))).toMatchObject({ textBytes: 0, digest: sha256('[]') })
  })
})

describe('a text as it is spoken', () => {
  const spoken = (pieces: string[]) => {
    const text = new SpokenText(Math.random)
    for (const piece of pieces) {
      const json = bytesOf(`"${piece}"`)
      text.addJson(json, 1, json.length - 1)
    }
    return text.end()
  }

  test('has the hash of all of it, whatever its pieces', () => {
    const long = Array.from({ length: 3_000 }, (_, at) => `word ${at} `)
    expect(spoken(long)).toMatchObject({ digest: sha256(long.join('')), length: long.join('').length })
    expect(spoken(['a', 'ä', '漢'])).toMatchObject({ digest: sha256('aä漢'), length: 6 })
    expect(spoken([])).toMatchObject({ digest: sha256(''), length: 0 })
  })

  test('has the text that is meant where it is written with escapes, also in halves', () => {
    expect(spoken(['say \\"hi\\"\\n', '\\u00e4'])).toMatchObject({ digest: sha256('say "hi"\nä') })
    expect(spoken(['\\ud83d', '\\ude00!'])).toMatchObject({ digest: sha256('😀!') })
    expect(spoken(['\\ud83d', 'x'])).toMatchObject({ digest: sha256('\ufffdx') })
    expect(spoken(['x\\ud83d'])).toMatchObject({ digest: sha256('x\ufffd') })
  })

  test('counts filler by what is left of it, block by block', () => {
    expect(spoken(['a'.repeat(5_000)]).counted).toBeLessThan(1_500)
    const words = Array.from({ length: 1_000 }, () => `${Math.random().toString(36)} `).join('')
    expect(spoken([words]).counted).toBe(words.length)
  })

  test('counts filler wherever it stands, also where a long text ends before a block of its group was judged', () => {
    const block = 4_096
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(40 * block))).toString('hex')
    const filler = 'a'.repeat(40 * block)
    const countedOf = (text: string, unit: () => number) => {
      const spokenText = new SpokenText(unit)
      spokenText.add(text)
      return spokenText.end().counted
    }
    // Over all chances the mean is what looking at each block would give, within a tenth.
    for (const text of [noise + filler, filler + noise, noise + filler.slice(0, 10 * block)]) {
      const blocks = Array.from({ length: text.length / block }, (_, at) => text.slice(at * block, (at + 1) * block))
      // A block is judged once something follows it.
      const wanted = blocks.reduce((sum, each) => sum + countedOf(`${each}.`, Math.random) - 1, 0)
      const random = new Random(5)
      let sum = 0
      for (let time = 0; time < 200; time++) sum += countedOf(text, () => random.next32() / 2 ** 32)
      expect(Math.abs(sum / 200 / wanted - 1)).toBeLessThan(0.1)
    }
  })

  test('looks at few blocks of a long text', () => {
    let asked = 0
    const text = new SpokenText(() => {
      asked++
      return 1
    })
    text.add('word '.repeat(2 ** 20))
    text.end()
    // The first of each group is taken unasked.
    const groups = 1_280 - asked
    expect(groups).toBeGreaterThan(10)
    expect(groups).toBeLessThan(40)
  })
})

describe('an answer', () => {
  const answer = { content: 'Hello', refusal: 'No', reasoning: 'unseen' }
  const calls = [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }]
  const found = (spoken: SpokenAnswer) =>
    spoken
      .end()
      .texts.map(({ choice, part, place, digest }) => [choice, part, place, Buffer.from(digest).toString('hex')])
  const expected = (rows: [number, string, number, string][]) =>
    rows.map(([choice, part, place, text]) => [choice, part, place, Buffer.from(sha256(text)).toString('hex')])

  const choice = (message: string) => `{"choices":[{"index":0,"message":${message},"finish_reason":"stop"}]}`
  const one = choice('{"role":"assistant","content":"plain ä"}')
  const bodies: [what: string, body: string, isOneText: boolean][] = [
    ['one text', one, true],
    ['a text that is written with escapes', choice(String.raw`{"content":"say \"hi\"\n"}`), true],
    ['a text that is longer than a block', choice(`{"content":"${'long '.repeat(3_000)}"}`), true],
    ['an escape behind its text', choice(String.raw`{"content":"plain","other":"\n"}`), true],
    ['a choice without a number', '{"choices":[{"message":{"content":"plain"}}]}', true],
    ['an empty text', choice('{"content":""}'), true],
    ['no text', choice('{"content":null}'), false],
    ['a refusal beside it', choice('{"content":"plain","refusal":"no"}'), false],
    ['a refusal before it', choice('{"refusal":"no","content":"plain"}'), false],
    ['no refusal before it', choice('{"refusal":null,"content":"plain"}'), true],
    ['no refusal and no tool calls', choice('{"content":"plain","refusal":null,"tool_calls":[ ]}'), true],
    ['no tool calls and no text', choice('{"content":null,"refusal":null,"tool_calls":null}'), false],
    ['a tool call', choice('{"content":"plain","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}'), false],
    ['two texts of one name', choice('{"content":"first","content":"second"}'), false],
    ['an empty text behind one', choice('{"content":"first","content":""}'), false],
    ['two messages', '{"choices":[{"message":{"content":"first"},"message":{"content":"second"}}]}', false],
    ['two lists of choices', `{"choices":[{"message":{"content":"first"}}],${one.slice(1)}`, false],
    ['two choices', '{"choices":[{"index":0,"message":{"content":"a"}},{"index":1,"message":{"content":"b"}}]}', false],
    ['another choice than the first', '{"choices":[{"index":1,"message":{"content":"b"}}]}', false],
  ]
  test.each(bodies)('that is whole and has %s is counted as a reader of it finds it', (_what, body, isOneText) => {
    const bytes = bytesOf(body)
    const source = { requestBytes: 100, asked: () => ({ ...askedUnknown, choices: 2 }) }
    const facts = inspectBody(bytes, 'chat', false, source)
    // Two lists of choices are no answer, and never counted.
    if (facts === null) return expect(isOneText).toBe(false)
    expect(facts.textEnd > 0).toBe(isOneText)
    const read = new SpokenAnswer(() => 0)
    read.whole(bytes)
    const cut = new SpokenAnswer(() => 0)
    if (isOneText) cut.text(bytes, facts.textStart, facts.textEnd)
    else cut.whole(bytes)
    const whole = read.end()
    expect(cut.end()).toEqual(whole)
    const { textStart, textEnd } = facts
    if (isPlainText(bytes, textStart, textEnd)) expect(plainText(bytes, textStart, textEnd)).toEqual(whole)
  })

  test('that is whole has its content, refusals and tool calls, by choice', () => {
    const body = bytesOf({ choices: [{ index: 1, message: { ...answer, tool_calls: calls } }] })
    for (const take of [
      (one: SpokenAnswer) => one.whole(body),
      (one: SpokenAnswer) => atOnce(one.wholeInSteps(body)),
    ]) {
      const spoken = new SpokenAnswer(Math.random)
      take(spoken)
      expect(found(spoken)).toEqual(
        expected([
          [1, 'content', 0, 'Hello'],
          [1, 'refusal', 0, 'No'],
          [1, 'toolName', 0, 'look'],
          [1, 'toolArguments', 0, '{"a":1}'],
        ]),
      )
    }
  })

  test('that streams has the same in pieces', () => {
    const spoken = new SpokenAnswer(Math.random)
    const say = (delta: object) => spoken.line(bytesOf({ choices: [{ index: 0, delta }] }), 0)
    say({ content: 'Hel' })
    say({ content: 'lo' })
    say({ tool_calls: [{ index: 1, function: { name: 'look', arguments: '{"a"' } }] })
    say({ tool_calls: [{ index: 1, function: { arguments: ':1}' } }] })
    expect(found(spoken)).toEqual(
      expected([
        [0, 'content', 0, 'Hello'],
        [0, 'toolName', 1, 'look'],
        [0, 'toolArguments', 1, '{"a":1}'],
      ]),
    )
  })

  test('with anything in it makes no trouble', () => {
    for (const message of [null, 7, 'x', [], { content: 7, tool_calls: [null, 7, { function: 7 }] }]) {
      const spoken = new SpokenAnswer(Math.random)
      spoken.whole(bytesOf({ choices: [{ index: -5, message }, null, 7] }))
      expect(spoken.end().texts).toEqual([])
    }
  })
})

/** An attempt that has ended with an answer without text. */
const ended = {
  attempt: 1,
  served: { scout: 'op_b/s', provider: 'p', model: 'm' },
  answer: { texts: [], textBytes: 0 },
  isPartial: false,
  isContinued: false,
  signed: null,
}

test('a task whose client has a scout with an equal request is in a loop, its own attempts aside', () => {
  const counter = new WorkCounter(new ManualSystem(), { add: () => {} })
  const begin = (task: number, tenant: string) => counter.begin({ task, tenant, kind: 'chat', isDirected: false })
  const outer = begin(1, 'somebody')
  outer.begin(1, 'op_a/s')
  outer.sent(chat('the same'))
  const inner = begin(2, 'op_a')
  inner.begin(1, 'op_b/s')
  inner.sent(chat('the same', { stream: true }))
  expect(inner.over(ended)?.isLoop).toBe(true)
  const other = begin(3, 'op_a')
  other.begin(1, 'op_a/s')
  other.sent(chat('another'))
  expect(other.over(ended)?.isLoop).toBe(false)
  outer.released(1)
  const after = begin(4, 'op_a')
  after.begin(1, 'op_b/s')
  after.sent(chat('the same'))
  expect(after.over(ended)?.isLoop).toBe(false)
  expect(begin(5, 'x').over(ended)).toBeNull()
  const resumed = begin(6, 'x')
  atOnce(resumed.left(again(chat('made again')))!)
  expect(resumed.over(ended)).toMatchObject({ task: 6, isLoop: false })
  expect(resumed.left(again(null))).toBeNull()
})

test('a long request is counted in steps as a short one is at once, by the lane or by the check of its answer', () => {
  const text = Array.from({ length: 60_000 }, (_, at) => `${at * 7919} "words" of it`).join(' ')
  const long = chat([{ type: 'text', text }, { type: 'image_url' }, { type: 'text', text: 'and a question' }], { n: 2 })
  expect(isLongRequest(long)).toBe(true)
  const whole = countRequest(long)
  expect(whole.media).toBe(1)
  for (const turns of [0, 3, Number.POSITIVE_INFINITY]) {
    const works: (() => boolean)[] = []
    const counter = new WorkCounter(new ManualSystem(), { add: (work) => void works.push(work) })
    const [count, twin] = [1, 2].map((task) => {
      const one = counter.begin({ task, tenant: 'op_a', kind: 'chat', isDirected: false })
      one.begin(1, task === 1 ? 'op_a/s' : 'op_b/s')
      one.sent(long)
      return one
    })
    for (const work of works) for (let turn = 0; turn < turns && !work(); turn++);
    const steps = [...(count!.left(again(null)) ?? [])].length + [...(twin!.left(again(null)) ?? [])].length
    if (turns === 0) expect(steps).toBeGreaterThan((2 * long.length) / countSliceBytes)
    expect(count!.left(again(null))).toBeNull()
    expect(twin!.over(ended)).toMatchObject({ request: whole, isLoop: true })
    expect(count!.over(ended)).toMatchObject({ request: whole, isLoop: false })
    for (const work of works) expect(work()).toBe(true)
  }
  const early = new WorkCounter(new ManualSystem(), { add: () => {} })
  const left = early.begin({ task: 3, tenant: 'op_a', kind: 'chat', isDirected: false })
  left.sent(long)
  expect(left.over(ended)).toBeNull()
})

/** A request that was sent before a restart. */
function again(made: Uint8Array | null) {
  // biome-ignore lint/correctness/useYield: it has no step
  return function* (): Steps<Uint8Array | null> {
    return made
  }
}
