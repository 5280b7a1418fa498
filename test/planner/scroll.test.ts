import { describe, expect, test } from 'vitest'
import { heavyScrolls, ladder, ring } from '../../bench/scrolls/heavy-scrolls.ts'
import type { RequestCheck } from '../../orchestrator/engine/ports/planner.ts'
import { chatRequest, embeddingsRequest } from '../../orchestrator/http/schema/openai-requests.ts'
import { refusal } from '../../orchestrator/http/schema/validation.ts'
import { plan } from '../../orchestrator/planner/plan.ts'
import { faultTable } from '../../shared/faults.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import { ReadCounter } from './read-counter.ts'

const check: RequestCheck = (kind, request) => refusal(kind === 'chat' ? chatRequest : embeddingsRequest, request)
const context = { check, catalog: [], deadlineMs: 60_000 }
const planned = (scroll: unknown, model?: string) => plan({ scroll, ...(model && { model }) }, context)

function faultOf(scroll: unknown) {
  const found = planned(scroll)
  if (!('code' in found)) throw new Error('the scroll was accepted')
  return found
}

function planOf(scroll: unknown, model?: string) {
  const found = planned(scroll, model)
  if ('code' in found) throw new Error(`${found.param}: ${found.message}`)
  return { ...found, tasks: found.tasks.map((task) => ({ ...task, request: JSON.parse(textOf(task.request)) })) }
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const node = (id: string, needs: unknown = [], fields: object = {}) => ({ id, needs, prompt: 'go', ...fields })
const alone = (fields: object) => ({ nodes: [{ id: 'a', ...fields }] })
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))
/** Four layers of 64: each node of a layer needs 22 of the layer before. 192 * 22 = 4,224 needs. */
const crowded = many(256, (at) =>
  node(`n${at}`, at < 64 ? [] : many(22, (k) => `n${64 * (Math.floor(at / 64) - 1) + k}`)),
)

type Row = [what: string, scroll: unknown, param: string, ...words: string[]]

const rows: Row[] = [
  ['no object', 'draft', 'scroll', '`scroll` must be an object'],
  ['a list', [], 'scroll', '`scroll` must be an object'],
  ['a field it does not know', { nodes: [node('a')], limit: 3 }, 'scroll.limit', 'only `nodes`, `result`'],
  ['no nodes', {}, 'scroll.nodes', 'a list of 1 to 256 nodes'],
  ['an empty list', { nodes: [] }, 'scroll.nodes', 'a list of 1 to 256 nodes'],
  ['an object of nodes', { nodes: { a: node('a') } }, 'scroll.nodes', 'a list of 1 to 256 nodes'],
  ['257 nodes', { nodes: ladder(257, 0) }, 'scroll.nodes', '257 nodes', 'at most 256'],
  ['a node that is none', { nodes: [node('a'), null] }, 'scroll.nodes[1]', 'must be an object'],
  ['a node without id', { nodes: [{ prompt: 'x' }] }, 'scroll.nodes[0].id', '1 to 64 letters, digits'],
  ['an id with a space', { nodes: [node('a b')] }, 'scroll.nodes[0].id', '1 to 64 letters, digits'],
  ['an id of 65 characters', { nodes: [node('a'.repeat(65))] }, 'scroll.nodes[0].id', '1 to 64'],
  ['an id with a line break', { nodes: [node('a\n')] }, 'scroll.nodes[0].id', '1 to 64'],
  [
    '257 fields',
    alone(Object.fromEntries(many(256, (at) => [`f${at}`, 1]))),
    'scroll.nodes[0]',
    '"a" has more than 256',
  ],
  ['the same id twice', { nodes: [node('b'), node('a'), node('a')] }, 'scroll.nodes[2].id', '"a"', '`scroll.nodes[1]`'],
  ['needs that are no list', { nodes: [node('a', 'b')] }, 'scroll.nodes[0].needs', 'a list of up to 64 ids'],
  [
    '65 needs',
    {
      nodes: [
        ...ladder(65, 0),
        node(
          'z',
          many(65, (at) => `n${at}`),
        ),
      ],
    },
    'scroll.nodes[65].needs',
    'Node "z" needs 65 others',
    'at most 64',
  ],
  ['a missing parent', { nodes: [node('a', ['ghost'])] }, 'scroll.nodes[0].needs[0]', '"a" needs "ghost"', 'no node'],
  [
    'a need that is a number',
    { nodes: [node('a', [7])] },
    'scroll.nodes[0].needs[0]',
    '"a"',
    'something that is no id',
  ],
  ['a need that is markup', { nodes: [node('a', ['<b>'])] }, 'scroll.nodes[0].needs[0]', 'something that is no id'],
  ['a name of every object', { nodes: [node('a', ['constructor'])] }, 'scroll.nodes[0].needs[0]', '"constructor"'],
  [
    'a need named twice',
    { nodes: [node('a'), node('b', ['a', 'a'])] },
    'scroll.nodes[1].needs[1]',
    '"b" needs "a" twice',
  ],
  ['a self edge', { nodes: [node('a'), node('b', ['a', 'b'])] }, 'scroll.nodes[1].needs[1]', '"b" needs itself'],
  ['too many needs in all', { nodes: crowded }, 'scroll.nodes[250].needs', '"n250"', 'more than 4096 needs'],
  [
    'a cycle of two',
    { nodes: [node('a', ['b']), node('b', ['a'])] },
    'scroll.nodes[0].needs[0]',
    '"a" needs "b" needs "a"',
  ],
  [
    'a cycle behind others',
    { nodes: [node('r'), node('x', ['r', 'y']), node('y', ['z']), node('z', ['x'])] },
    'scroll.nodes[1].needs[1]',
    '"x" needs "y" needs "z" needs "x"',
  ],
  ['a cycle of 256', { nodes: ring(256) }, 'scroll.nodes[0].needs[0]', '"n3" needs 252 more needs "n0"'],
  ['a chain of 65', { nodes: ladder(65, 1) }, 'scroll.nodes[64].needs', '"n64" is number 65', 'at most 64'],
  ['two ends and no result', { nodes: [node('a'), node('b')] }, 'scroll.result', '"a", "b"', 'is required'],
  ['many ends and no result', { nodes: ladder(256, 0) }, 'scroll.result', '"n3" and 252 more'],
  ['a result that is no node', { nodes: [node('a')], result: 'b' }, 'scroll.result', 'the id of one of the nodes'],
  ['a result that is a number', { nodes: [node('a')], result: 0 }, 'scroll.result', 'the id of one of the nodes'],
  ['an unknown kind', alone({ kind: 'paint', prompt: 'x' }), 'scroll.nodes[0].kind', '"a"', 'chat, embed'],
  ['a model that is none', alone({ model: 3, prompt: 'x' }), 'scroll.nodes[0].model', '"a"', '1 to 128'],
  ['a long model', alone({ model: 'm'.repeat(129), prompt: 'x' }), 'scroll.nodes[0].model', '1 to 128'],
  ['nothing to ask', alone({}), 'scroll.nodes[0].messages', '"a" is of kind chat', 'say what it should ask'],
  ['nothing to embed', alone({ kind: 'embed' }), 'scroll.nodes[0].input', '"a" is of kind embed', 'say what'],
  ['both prompt and messages', alone({ prompt: 'x', messages: [] }), 'scroll.nodes[0].prompt', 'remove one of them'],
  ['input of a chat', alone({ prompt: 'x', input: 'x' }), 'scroll.nodes[0].input', 'remove `input`'],
  ['messages of an embed', alone({ kind: 'embed', messages: [] }), 'scroll.nodes[0].messages', 'remove `messages`'],
  ['an empty prompt', alone({ prompt: '' }), 'scroll.nodes[0].prompt', '"a"', 'not empty'],
  ['a prompt that is none', alone({ prompt: {} }), 'scroll.nodes[0].prompt', '"a"', 'not empty'],
  ['a stream', alone({ prompt: 'x', stream: true }), 'scroll.nodes[0].stream', '"a"', 'followed by its events'],
  ['options of a stream', alone({ prompt: 'x', stream_options: {} }), 'scroll.nodes[0].stream_options', '"a"'],
  [
    'a bad message',
    { nodes: [node('a'), { id: 'b', needs: ['a'], messages: [{ role: 'king', content: '' }] }] },
    'scroll.nodes[1].messages[0].role',
    'In node "b"',
    '`messages[0].role` must be one of',
  ],
  [
    'a bad temperature',
    alone({ prompt: 'x', temperature: 'hot' }),
    'scroll.nodes[0].temperature',
    'In node "a"',
    'a number',
  ],
  ['a bad input', alone({ kind: 'embed', input: [] }), 'scroll.nodes[0].input', 'In node "a"', 'not empty'],
]

describe('a scroll is refused at the place at fault, in a sentence that names node and limit, when it has', () => {
  test.each(rows)('%s', (_what, scroll, param, ...words) => {
    const found = faultOf(scroll)
    expect([found.code, faultTable[found.code].status, found.param]).toEqual(['invalid_request', 400, param])
    expect(found.message).toMatch(/^.{20,500}\.$/)
    for (const word of words) expect(found.message).toContain(word)
  })

  test('requests that grow beyond the size of a body when they are written out', () => {
    const numbers = `[${many(210_000, () => '1e20').join(',')}]`
    const found = faultOf(
      JSON.parse(`{"nodes":[{"id":"a","prompt":"x"},{"id":"b","needs":["a"],"prompt":"x","x":${numbers}}]}`),
    )
    expect(found.param).toBe('scroll.nodes[1]')
    expect(found.message).toContain(`With node "b" the requests take more than ${bodyBytesMax} bytes`)
  })

  test('names of any length and content, which are cut and cleaned', () => {
    const found = faultOf({ nodes: [node('a')], ['\n'.repeat(9) + 'x'.repeat(100_000)]: 1 })
    expect(found.param).toMatch(/^scroll\. x{100,500}$/)
  })
})

describe('a scroll becomes a plan', () => {
  test('with parents before children, whatever order they were sent in', () => {
    const { tasks, resultNode } = planOf({ nodes: [node('end', ['b', 'a']), node('b', ['a']), node('a')] })
    expect(tasks.map(({ node: id, needs }) => [id, needs])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['end', ['b', 'a']],
    ])
    expect(resultNode).toBe('end')
  })

  test('whose result is the node named', () => {
    expect(planOf({ nodes: [node('a'), node('b')], result: 'a' }).resultNode).toBe('a')
    expect(planOf({ nodes: [node('a'), node('b', ['a'])], result: 'a' }).resultNode).toBe('a')
  })

  test('with requests that hold every field of theirs, and none of the scroll', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }]
    const messages = [{ role: 'user', content: 'hi' }]
    const { tasks } = planOf(
      {
        nodes: [
          { id: 'a', prompt: 'hello', temperature: 1, tools, new_field: { x: 1 } },
          { id: 'b', needs: ['a'], kind: 'chat', model: 'big', messages, needs_more: true },
          { id: 'c', needs: ['b'], kind: 'embed', input: ['x', 'y'], dimensions: 3 },
        ],
      },
      'small',
    )
    expect(tasks).toEqual([
      {
        node: 'a',
        kind: 'chat',
        model: 'small',
        needs: [],
        request: {
          model: 'small',
          messages: [{ role: 'user', content: 'hello' }],
          temperature: 1,
          tools,
          new_field: { x: 1 },
        },
      },
      { node: 'b', kind: 'chat', model: 'big', needs: ['a'], request: { model: 'big', messages, needs_more: true } },
      {
        node: 'c',
        kind: 'embed',
        model: 'small',
        needs: ['b'],
        request: { model: 'small', input: ['x', 'y'], dimensions: 3 },
      },
    ])
  })

  test('that asks any model when neither scroll nor node names one, and takes null for not given', () => {
    const { tasks } = planOf({
      nodes: [{ id: 'a', prompt: 'x', needs: null, kind: null, model: null, messages: null }],
      result: null,
    })
    expect(tasks).toMatchObject([{ kind: 'chat', model: 'auto', needs: [], request: { model: 'auto' } }])
  })

  test('also at every limit, and with ids that are names of every object', () => {
    expect(planOf({ nodes: ladder(256, 0), result: 'n255' }).tasks).toHaveLength(256)
    expect(planOf({ nodes: ladder(64, 63) }).tasks).toHaveLength(64)
    expect(
      planOf({
        nodes: [
          ...ladder(64, 0),
          node(
            'z',
            many(64, (at) => `n${at}`),
          ),
        ],
      }).resultNode,
    ).toBe('z')
    const names = ['__proto__', 'constructor', 'toString', 'a'.repeat(64)]
    const { tasks } = planOf({ nodes: names.map((id, at) => node(id, names.slice(0, at))) })
    expect(tasks.map(({ node: id }) => id)).toEqual(names)
  })
})

describe('a plan of one task', () => {
  test('comes of input and of messages', () => {
    const messages = [{ role: 'user', content: 'hi' }]
    for (const asked of [{ input: 'hi' }, { messages }, { input: null, messages, model: null }]) {
      const found = plan(asked, context)
      if ('code' in found) throw new Error(found.message)
      const [task] = found.tasks
      expect(found.resultNode).toBe('answer')
      expect(task).toMatchObject({ node: 'answer', kind: 'chat', model: 'auto', needs: [] })
      expect(JSON.parse(textOf(task!.request))).toEqual({ model: 'auto', messages })
    }
  })

  test('is refused when its request grows beyond the size of a body', () => {
    const numbers = JSON.parse(`[${many(210_000, () => '1e20').join(',')}]`)
    const found = plan({ messages: [{ role: 'user', content: 'x', x: numbers }] }, context)
    expect(found).toMatchObject({ code: 'invalid_request', param: 'messages' })
  })
})

describe('whatever is sent, the verdict reads no part of it more than a few times', () => {
  /** To check an entry, copy it, and look it up; and what a scroll costs that holds next to nothing. */
  const looksPerEntry = 6
  const looksAtLeast = 64
  /** The edge's check, one copy, one search for references, and the bytes that travel. */
  const walksMax = 6
  test.each(heavyScrolls)(
    '$what',
    ({ json, param, isRefusedBySize }) => {
      expect(json.length).toBeLessThanOrEqual(bodyBytesMax)
      const counter = new ReadCounter()
      const found = planned(counter.watched(JSON.parse(json)))
      expect('code' in found ? found.param : null).toBe(param)
      const entries = isRefusedBySize ? 0 : counter.entries
      expect(counter.looks).toBeLessThanOrEqual(looksPerEntry * entries + looksAtLeast)
      expect(counter.walksMost).toBeLessThanOrEqual(walksMax)
    },
    // The platform is slow with accessors in a list of a million entries.
    120_000,
  )
})
