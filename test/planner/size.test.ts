/** What small scrolls and small templates ask for is refused before it is built: counted in characters built. */
import Ajv from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { NeedResult, PlanAsked, PlannedTask, RenderedNode } from '../../orchestrator/engine/ports/planner.ts'
import { decide, decideInSteps } from '../../orchestrator/planner/control/decide.ts'
import { plan, planInTurns } from '../../orchestrator/planner/plan.ts'
import { render, renderInSteps } from '../../orchestrator/planner/request/render.ts'
import { Item, taskOf } from '../../orchestrator/planner/request/request-template.ts'
import { bodyOfText, jsonIn } from '../../orchestrator/planner/text/answer-text.ts'
import type { Fault } from '../../shared/faults.ts'
import { jsonChars } from '../../shared/json/json-size.ts'
import { decisionStepBytes, expansionBytesMax } from '../../shared/limits/intents.ts'
import {
  jsonResultCharsMax,
  nodeReferencesMax,
  renderCharsMax,
  scrollReferencesMax,
} from '../../shared/limits/planner.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import { builtChars } from './built-chars.ts'
import '../support/law/seeded-properties.ts'

const context = { check: () => null, catalog: [], deadlineMs: 60_000 }
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, at) => make(at))
const MiB = 1024 * 1024
const long = (chars: number) => 'x'.repeat(chars)

test('the length of JSON is known before it is written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const written = JSON.stringify(value)
      const counted = jsonChars(value, Number.POSITIVE_INFINITY)
      expect(counted).toBeLessThanOrEqual(written.length)
      if (!/[\\]|e/.test(written)) expect(counted).toBe(written.length)
    }),
    { seed: 5 },
  )
  expect(
    jsonChars(
      many(1_000_000, () => 1),
      10,
    ),
  ).toBeLessThan(20)
})

describe('a plan', () => {
  const input = long(3.5 * MiB)
  const voted = { by: 'agreement', answers: 16 }
  const split = (text: string) => ({ split: { text, chars: 200_000 }, max: 256 })
  const rows: [string, object, string][] = [
    ['one text that holds the input 128 times', { nodes: [{ id: 'a', prompt: '{{input}}'.repeat(128) }] }, 'nodes[0].'],
    [
      'the input in 128 nodes',
      { nodes: many(128, (at) => ({ id: `n${at}`, prompt: '{{input}}' })) },
      'nodes[1].prompt',
    ],
    [
      'the input split by 48 maps',
      { nodes: many(48, (at) => ({ id: `n${at}`, prompt: '{{item}}', map: split('input') })) },
      'nodes[1].map.split.text',
    ],
    ['a vote of 16 long prompts', { nodes: [{ id: 'a', prompt: input, vote: voted }] }, 'nodes[0]'],
    [
      'a list in 40 maps',
      { params: { list: many(20, () => long(100_000)) }, result: 'n0', nodes: many(40, (at) => listed(`n${at}`)) },
      'nodes[2]',
    ],
    [
      'a value that is no text, 100 times',
      { params: { p: { q: long(100_000) } }, nodes: [{ id: 'a', prompt: '{{params.p}}'.repeat(100) }] },
      'nodes[0].prompt',
    ],
  ]
  function listed(id: string): object {
    return { id, prompt: '{{item}}', map: { over: 'params.list', max: 20 } }
  }

  test.each(rows)('is refused when it would hold %s', (_, scroll, place) => {
    const { made, chars } = builtChars(() => plan({ scroll: { input, result: 'a', ...scroll } }, context))
    expect(made).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(`${bodyBytesMax} bytes`) })
    expect((made as Fault).param).toContain(`scroll.${place}`)
    expect(chars).toBeLessThanOrEqual(4 * bodyBytesMax)
  })

  test('refers to only so much, known or not, in one text and in all', () => {
    const nodes = (count: number, prompt: string) => many(count, (at) => ({ id: `n${at}`, prompt }))
    const asked = (count: number, prompt: string) =>
      plan({ scroll: { input: 'x', nodes: nodes(count, prompt), result: 'n0' } }, context)
    expect(asked(1, '{{input}}'.repeat(28_000))).toMatchObject({ message: expect.stringContaining('at most 128') })
    expect(asked(128, '{{input}}'.repeat(128))).toHaveProperty('tasks')
    expect(asked(129, '{{input}}'.repeat(128))).toMatchObject({
      message: expect.stringContaining(`${scrollReferencesMax} references in all`),
    })
  })

  test('of many nodes and schemas is made in turns, and no schema is compiled', async () => {
    const schemas = many(200, (at) => {
      const properties = Object.fromEntries(
        many(80, (k) => [`field_${at}_${k}`, { type: 'string', maxLength: at + 1 }]),
      )
      return { id: `n${at}`, prompt: 'x', output: { schema: { type: 'object', properties } } }
    })
    const compile = vi.spyOn(Ajv.prototype, 'compile')
    let turns = 0
    const soon = () => {
      turns++
      return Promise.resolve()
    }
    const asked: PlanAsked = { scroll: { nodes: schemas, result: 'n0' } }
    try {
      const made = await planInTurns(asked, { ...context, soon })
      expect(made).toEqual(plan(asked, context))
      expect(turns).toBe(2 * schemas.length)
      expect(compile).not.toHaveBeenCalled()
    } finally {
      compile.mockRestore()
    }
  })
})

function planned(node: object): PlannedTask {
  const scroll = {
    nodes: [
      { id: 'a', prompt: 'x' },
      { id: 'n', ...node },
    ],
    result: 'n',
  }
  const made = plan({ scroll }, context)
  if ('code' in made) throw new Error(made.message)
  return made.tasks.find((task) => task.node === 'n')!
}

describe('a control node', () => {
  const done = (node: string, text: string): NeedResult => ({
    node,
    state: 'done',
    body: bodyOfText(text),
    fault: null,
  })
  const decided = (node: object, stage: number, results: NeedResult[]) => {
    const control = { node: 'n', spec: planned(node).control, stage, results }
    return builtChars(() => decide(control))
  }
  const failure = (text: string) => ({
    type: 'failed',
    fault: { code: 'request_too_large', message: expect.stringMatching(new RegExp(`"n.*${text}`)) },
  })
  const over = 'nodes.a'

  test('becomes many tasks step by step, each of which builds a bounded part of them', () => {
    const items = JSON.stringify(many(250, () => long(4_000)))
    const { control: spec } = planned({ prompt: '{{item}}'.repeat(8), map: { over, max: 256 } })
    const steps = decideInSteps({ node: 'n', spec, stage: 0, results: [done('a', items)] })
    const each: number[] = []
    for (let isOver = false; !isOver; ) {
      const { made, chars } = builtChars(() => steps.next())
      each.push(chars)
      isOver = made.done === true
    }
    // Each text is put together, and then written out.
    expect(each.reduce((sum, chars) => sum + chars, 0)).toBeGreaterThan(2 * 250 * 8 * 4_000)
    expect(Math.max(...each)).toBeLessThanOrEqual(3 * decisionStepBytes)
  })

  test('does not become 256 tasks of a long prompt', () => {
    const map = { over, max: 256 }
    const node = { prompt: long(3.5 * MiB), map }
    const { made, chars } = decided(node, 0, [done('a', JSON.stringify(many(256, () => 1)))])
    expect(made).toMatchObject(failure(String(expansionBytesMax)))
    expect(chars).toBeLessThan(4 * bodyBytesMax)
  })

  test('does not put a long item into one task many times, and makes its text once', () => {
    const node = { prompt: '{{item.x}}'.repeat(100), map: { over } }
    const { made, chars } = decided(node, 0, [done('a', JSON.stringify([{ x: { y: long(100_000) } }]))])
    expect(made).toMatchObject(failure(String(bodyBytesMax)))
    expect(chars).toBeLessThan(4 * 100_000)
  })

  test('becomes what fits', () => {
    const { made } = decided({ prompt: '{{item}} {{index}}', map: { over } }, 0, [done('a', '["x", {"y": 1}]')])
    expect(made).toMatchObject({ type: 'expand', waitFor: ['n.1', 'n.2'] })
  })

  test.each([['\n'], [undefined]])('does not join what is too long together, with %j', (join) => {
    const node = { prompt: '{{item}}', map: { over, ...(join !== undefined && { join }) } }
    const results = many(3, (at) => done(`n.${at + 1}`, long(1.5 * MiB)))
    const { made, chars } = decided(node, 1, results)
    expect(made).toMatchObject(failure(String(bodyBytesMax)))
    expect(chars).toBe(0)
    expect(decided(node, 1, results.slice(0, 2)).made.type).toBe('done')
  })

  test('does not make a list of numbers that grow when they are written', () => {
    const node = { prompt: '{{item}}', map: { over } }
    const results = many(8, (at) => done(`n.${at + 1}`, `[${many(50_000, () => '1e20').join()}]`))
    expect(decided(node, 1, results).made).toMatchObject(failure(String(bodyBytesMax)))
  })
})

describe('a request that is rendered', () => {
  const value = { text: long(200_000), list: [long(50_000)] }
  const asked = (prompt: string, contextTokens = 0, texts: Record<string, string> = { a: JSON.stringify(value) }) => {
    const parts = prompt.split('|').map((place) => ({ from: 'node', node: 'a', path: place.split('.').slice(1) }))
    const fills = [{ at: ['messages', 0, 'content'], parts }]
    const request = Buffer.from(JSON.stringify({ request: { messages: [{ role: 'user', content: '' }] }, fills }))
    const parents = Object.entries(texts).map(([node, text]) => ({ node, text }))
    const rendered: RenderedNode = { node: 'big', kind: 'chat', request, parents, contextTokens }
    return builtChars(() => render(rendered))
  }
  const times = (count: number, place: string) => many(count, () => place).join('|')
  const refused = (...words: unknown[]) => ({
    code: 'request_too_large',
    message: expect.stringMatching(new RegExp(`"big".*${words.join('.*')}`)),
  })

  test('reads results and makes their parts step by step', () => {
    const names = ['a', 'b', 'c', 'd']
    const parts = names.flatMap((node) => ['list', 'text'].map((field) => ({ from: 'node', node, path: [field] })))
    const fills = [{ at: ['messages', 0, 'content'], parts }]
    const request = Buffer.from(JSON.stringify({ request: { messages: [{ role: 'user', content: '' }] }, fills }))
    const parents = names.map((node) => ({ node, text: JSON.stringify({ ...value, list: [long(40_000)] }) }))
    const steps = renderInSteps({ node: 'big', kind: 'chat', request, parents, contextTokens: 0 })
    let count = 1
    while (steps.next().done !== true) count++
    expect(count).toBeGreaterThan(names.length)
  })

  test('makes the text of a place once, however often it is referred to', () => {
    const { made, chars } = asked(times(2_000, 'a.list'))
    expect(made).toBeInstanceOf(Uint8Array)
    expect(chars).toBeLessThan(bodyBytesMax)
  })

  test('is refused before it is built when its results are too long together', () => {
    const { made, chars } = asked(times(2_000, 'a.text'), 100_000_000)
    expect(made).toMatchObject(refused(bodyBytesMax))
    expect(chars).toBeLessThan(bodyBytesMax)
    expect(asked(times(10, 'a.text'), 100_000_000).made).toBeInstanceOf(Uint8Array)
  })

  test('refers to results only so often', () => {
    expect(asked(times(19_200, 'a.text')).made).toMatchObject(refused(nodeReferencesMax))
    expect(asked(times(nodeReferencesMax, 'a.text')).made).toBeInstanceOf(Uint8Array)
  })

  test('does not write out a deep value at each of its levels', () => {
    let deep: unknown = [long(jsonResultCharsMax - 1_000)]
    for (let level = 0; level < 17; level++) deep = { d: deep }
    const places = many(18, (at) => ['a', ...many(at, () => 'd')].join('.'))
    const { made, chars } = asked(places.join('|'), 0, { a: JSON.stringify(deep) })
    expect(made).toMatchObject(refused(renderCharsMax))
    expect(chars).toBeLessThan(renderCharsMax + bodyBytesMax)
  })
})

test('a task shares with its template what no reference stands in', () => {
  const untouched = { role: 'user', content: [{ type: 'text', text: 'kept' }] }
  const messages = [untouched, { role: 'user', content: [{ type: 'text', text: '{{item}}' }, { type: 'x' }] }]
  const fills = [{ at: ['messages', 1, 'content', 0, 'text'], parts: [{ from: 'item' as const, path: [] }] }]
  const template = { kind: 'chat' as const, model: 'm', request: { messages, n: 1 }, fills, terms: {}, needs: [] }
  const before = JSON.stringify(template)
  const made = JSON.parse(Buffer.from(taskOf('a', template, { item: new Item('put in') }).request).toString('utf8'))
  expect(made.messages[1].content[0].text).toBe('put in')
  expect(made.messages[0]).toEqual(untouched)
  expect(JSON.stringify(template)).toBe(before)
})

describe('results that are read as JSON', () => {
  const list = (chars: number) => JSON.stringify({ x: 'short', pad: long(chars) })
  const node = (parents: { node: string; text: string }[]): RenderedNode => {
    const parts = parents.map(({ node: name }) => ({ from: 'node' as const, node: name, path: ['x'] }))
    const request = { messages: [{ role: 'user', content: '' }] }
    const templated = { request, fills: [{ at: ['messages', 0, 'content'], parts }] }
    return { node: 'n', kind: 'chat', request: Buffer.from(JSON.stringify(templated)), parents, contextTokens: 0 }
  }

  test('may be as long as a bound, together, or the node fails', () => {
    const half = jsonResultCharsMax / 2 - 100
    expect(render(node([{ node: 'a', text: list(half) }]))).toBeInstanceOf(Uint8Array)
    const two = [
      { node: 'a', text: list(half) },
      { node: 'b', text: list(half) },
    ]
    expect(render(node(two))).toBeInstanceOf(Uint8Array)
    expect(render(node([...two, { node: 'c', text: list(1_000) }]))).toMatchObject({ code: 'request_too_large' })
  })

  test('count as text when one is longer', () => {
    expect(jsonIn(list(jsonResultCharsMax - 100))).toBeDefined()
    expect(jsonIn(list(jsonResultCharsMax + 1))).toBeUndefined()
  })
})
