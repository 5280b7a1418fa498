import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Plan, RequestCheck } from '../../orchestrator/engine/ports/planner.ts'
import { chatRequest, embeddingsRequest } from '../../orchestrator/http/schema/openai-requests.ts'
import { refusal } from '../../orchestrator/http/schema/validation.ts'
import { plan } from '../../orchestrator/planner/plan.ts'
import { cutText, splitText } from '../../orchestrator/planner/text/split.ts'
import { type Answering, PlanRunner } from '../support/providers/plan-runner.ts'
import type { Json } from '../support/providers/provider-calls.ts'
import '../support/law/seeded-properties.ts'

const check: RequestCheck = (kind, request) => refusal(kind === 'chat' ? chatRequest : embeddingsRequest, request)
const catalog = ['small', 'large-70b', 'medium-8b'].map((id) => ({
  ...{ id, kinds: ['chat'], scouts: 2, contextTokens: 8_000, abilities: [], about: '' },
  ...{ promptDollars: null, answerDollars: null, firstContentMs: null, tokensPerSecond: null },
}))

function planOf(asked: Parameters<typeof plan>[0]): Plan {
  const found = plan(asked, { check, catalog, deadlineMs: 600_000 })
  if ('code' in found) throw new Error(`${found.param}: ${found.message}`)
  return found
}

function flawOf(node: object, rest: object = {}) {
  const found = plan(
    { scroll: { nodes: [{ id: 'list', prompt: 'l' }, node], result: 'list', ...rest } },
    { check, catalog, deadlineMs: 1 },
  )
  if (!('code' in found)) throw new Error('the scroll was accepted')
  return [found.param, found.message]
}

const saidLast = ({ messages }: Json): string => messages.at(-1).content
const echo: Answering = (request, node) => `${node}(${saidLast(request)})`

function run(asked: Parameters<typeof plan>[0], answer: Answering) {
  const runner = new PlanRunner(answer)
  return { said: runner.run(planOf(asked)), runner }
}

describe('references', () => {
  test('are filled by inputs at once and by results when they are there, and values are never templates', () => {
    const scroll = {
      input: 'the {{nodes.secret}} input',
      params: { who: { name: '{{params.who}}' }, list: [1, { a: 2 }] },
      nodes: [
        {
          id: 'a',
          prompt: '{{input}} for {{params.who.name}} {{{params.list}}} {{! nothing }}',
          output: { schema: { type: 'object' } },
        },
        { id: 'b', prompt: '{{nodes.a.deep.1}} of {{nodes.a}}; {{=<< >>=}}{{literal}}' },
      ],
    }
    const answers: Json = { a: '{"deep": ["x", "{{input}}"]}', b: 'end' }
    const { runner } = run({ scroll }, (_, node) => answers[node])
    const [a, b] = runner.asked.map(({ request }) => saidLast(request))
    expect(a).toBe('the {{nodes.secret}} input for {{params.who}} [1,{"a":2}] ')
    expect(b).toBe('{{input}} of {"deep": ["x", "{{input}}"]}; {{literal}}')
  })

  test('make needs; a need that no text mentions is put before', () => {
    const nodes = [
      { id: 'a', prompt: 'a' },
      { id: 'b', prompt: 'b' },
      { id: 'c', prompt: 'use {{nodes.a}}', needs: ['b'] },
    ]
    const { runner } = run({ scroll: { nodes } }, echo)
    expect(runner.asked.at(-1)!.request.messages.map((message: Json) => message.content)).toEqual([
      'Result of "b":\n\nb(b)',
      'use a(a)',
    ])
  })

  test('that lead nowhere fail the node when the result is there', () => {
    const nodes = [
      { id: 'a', prompt: 'a' },
      { id: 'b', prompt: '{{nodes.a.field}}' },
    ]
    expect(run({ scroll: { nodes } }, echo).said).toMatchObject({
      code: 'invalid_request',
      message: 'The result of "a" has no field "field": let its schema require it.',
    })
  })

  test.each([
    ['{{nodes.gone}}', 'refers to node "gone", and no node has that id'],
    ['{{input}}', 'no `input` was sent'],
    ['{{params.x}}', '`params` has no such field'],
    ['{{constructor}}', 'refers to {{constructor}}, which means nothing there'],
    ['{{params.__proto__.x}}', '`params` has no such field'],
    ['{{item}}', 'means nothing there'],
    ['{{#nodes.list}}x{{/nodes.list}}', 'the tag {{#…}}'],
    ['{{>file}}', 'the tag {{>…}}'],
    ['{{#open}}', 'braces that do not match'],
    ['{{nodes.list', 'braces that do not match'],
    ['{{nodes.list}}'.repeat(129), '129 references'],
    [`{{input}}${'x'.repeat(300_000)}`, 'longer than 262144 characters in all'],
  ])('like %s are refused', (prompt, words) => {
    const [param, message] = flawOf({ id: 'b', prompt })
    expect(param).toBe('scroll.nodes[1].prompt')
    expect(message).toContain(words)
  })
})

describe('nodes that are refused by name and place', () => {
  const map = (fields: object) => ({ id: 'b', prompt: '{{item}}', map: fields })
  const vote = (fields: object) => ({ id: 'b', prompt: 'x', vote: fields })
  const when = (fields: object) => ({ id: 'b', prompt: 'x', when: fields })
  test.each([
    [map({}), 'map', 'either `over` or `split`'],
    [map({ over: 'params.text' }), 'map.over', 'must refer to a list'],
    [map({ over: 'params.many' }), 'map.over', '300 items, and at most 64'],
    [map({ over: 'params.many', max: 300 }), 'map.max', 'from 1 to 256'],
    [map({ over: 'nodes.list', size: 3 }), 'map.size', 'is not known here'],
    [map({ split: { text: 'params.many' } }), 'map.split.text', 'must refer to a text'],
    [map({ split: { text: 'params.long', chars: 200 } }), 'map.split', 'makes 100 parts, and at most 64'],
    [map({ over: 'nodes.list', reduce: { prompt: 'merge' } }), 'map.reduce.prompt', 'as {{items}}'],
    [vote({ by: 'agreement' }), 'vote', 'at least two `answers`'],
    [vote({ by: 'coin', answers: 2 }), 'vote.by', '"agreement" or "judge"'],
    [vote({ by: 'agreement', answers: 2, quorum: 3 }), 'vote.quorum', 'more than the 2 answers'],
    [vote({ by: 'agreement', answers: 17 }), 'vote.answers', 'from 2 to 16'],
    [vote({ by: 'judge', answers: 2, judge: { prompt: 'x' } }), 'vote.judge.prompt', 'as {{answers}}'],
    [vote({ by: 'agreement', answers: 2, judge: {} }), 'vote.judge', 'only for votes by judge'],
    [when({ ref: 'nodes.list.ok' }), 'when', 'exactly one of'],
    [when({ ref: 'nodes.list.ok', is: 1, above: 0 }), 'when', 'exactly one of'],
    [when({ ref: 'params.text', is: 1 }), 'when.ref', 'must refer to a node'],
    [{ id: 'b', prompt: 'x', output: { schema: { pattern: '(a)\\1' } } }, 'output.schema', 'refers back'],
    [{ id: 'b', prompt: 'x', output: 'xml' }, 'output', '"text" or'],
    [{ id: 'b', prompt: 'x', requires: { luck: 1 } }, 'requires.luck', 'is not known here'],
    [{ id: 'b', prompt: 'x', requires: { trust: 2 } }, 'requires.trust', 'from 0 to 1'],
    [{ id: 'b', prompt: 'x', requires: { max_price: 1e308 } }, 'requires.max_price', 'from 0 to 1000000'],
    [{ id: 'b', prompt: 'x', requires: { abilities: ['fly'] } }, 'requires.abilities[0]', 'one of tools, json'],
    [{ id: 'b', prompt: 'x', attempts: 9 }, 'attempts', 'from 1 to 3'],
    [{ id: 'b', prompt: 'x', kind: 'specialist' }, 'capability', 'string of 1 to 128'],
    [{ id: 'b', prompt: 'x', kind: 'specialist', capability: 'c', model: 'm' }, 'model', 'remove `model`'],
    [{ id: 'b', kind: 'embed', input: 'x', vote: { by: 'judge', answers: 2 } }, 'kind', 'cannot be embed'],
  ])('%o', (node, field, words) => {
    const params = { text: 'x', long: 'y'.repeat(20_000), many: Array.from({ length: 300 }, () => 1) }
    const [param, message] = flawOf(node, { params })
    expect(param).toBe(`scroll.nodes[1].${field}`)
    expect(message).toContain(words)
    expect(message).toContain('"b"')
  })

  test('a scroll that may grow without measure', () => {
    const nodes = Array.from({ length: 9 }, (_, at) => ({
      id: `m${at}`,
      prompt: '{{item}}',
      map: { over: 'params.none', max: 128 },
    }))
    const found = plan({ scroll: { nodes, params: { none: [] }, result: 'm0' } }, { check, catalog, deadlineMs: 1 })
    expect(found).toMatchObject({ param: 'scroll.nodes[7]', message: expect.stringContaining('more than 1024 tasks') })
  })
})

test('a node asks for trusted scouts only where somebody audits answers', () => {
  const scroll = { nodes: [{ id: 'a', prompt: 'x', requires: { trusted: true } }] }
  const circumstances = { check, catalog, deadlineMs: 60_000 }
  expect(plan({ scroll }, circumstances)).toMatchObject({ tasks: [{ requires: { isTrusted: true } }] })
  const refused = plan({ scroll }, { ...circumstances, lacksAudits: true })
  expect(refused).toMatchObject({ code: 'invalid_request', param: 'scroll.nodes[0].requires.trusted' })
  expect(refused).toMatchObject({ message: expect.stringContaining('In node "a"') })
})

describe('a map', () => {
  const listed = (map: object, more: object = {}) => ({
    nodes: [
      { id: 'list', prompt: 'l', output: { schema: { type: 'object' } } },
      { id: 'each', prompt: '{{index}} {{item.name}} {{item}}', map: { over: 'nodes.list.of', ...map }, ...more },
    ],
  })
  const list = JSON.stringify({ of: [{ name: 'x' }, { name: 'y' }, 'z'] })

  test('asks once for each item and gives a list, a text, or a merged answer', () => {
    const answer: Answering = (request, node) => (node === 'list' ? list : echo(request, node))
    expect(run({ scroll: listed({}) }, answer).said).toBe(
      JSON.stringify(['each.1(1 x {"name":"x"})', 'each.2(2 y {"name":"y"})', 'each.3(3  z)']),
    )
    expect(run({ scroll: listed({ join: '|' }) }, answer).said).toContain(')|each.2(')
    const merged = run({ scroll: listed({ reduce: { prompt: 'All: {{items}}' } }) }, answer)
    expect(merged.said).toBe('each.m1-1(All: each.1(1 x {"name":"x"})\n\neach.2(2 y {"name":"y"})\n\neach.3(3  z))')
  })

  test('merges in groups and in order when not all fits at once', () => {
    const items = Array.from({ length: 23 }, (_, at) => at)
    const scroll = {
      params: { items },
      nodes: [
        { id: 'm', prompt: '{{item}}', map: { over: 'params.items', reduce: { prompt: '{{items}}', chars: 200 } } },
      ],
    }
    const { said, runner } = run({ scroll }, (request, node) =>
      node.includes('.m') ? saidLast(request).replaceAll('\n\n', '+') : `${saidLast(request)}${'.'.repeat(60)}`,
    )
    expect((said as string).replaceAll('.', '')).toBe(items.join('+'))
    expect(runner.names.filter((name) => name.includes('.m')).length).toBeGreaterThan(8)
  })

  test('of nothing is empty, and of too much fails', () => {
    const none = JSON.stringify({ of: [] })
    expect(run({ scroll: listed({}) }, () => none).said).toBe('[]')
    const many = JSON.stringify({ of: Array.from({ length: 65 }, () => 1) })
    expect(run({ scroll: listed({}) }, () => many).said).toMatchObject({ message: expect.stringContaining('65 items') })
    expect(run({ scroll: listed({}) }, () => '{"of": 3}').said).toMatchObject({
      message: 'There is no list at nodes.list.of: let the schema of that node require one.',
    })
  })

  test('fails with the part that failed', () => {
    const answer: Answering = (_, node) => (node === 'list' ? list : node === 'each.2' ? null : 'x')
    expect(run({ scroll: listed({}) }, answer).said).toMatchObject({
      code: 'contract_broken',
      message: expect.stringContaining('Task "each.2" did not get done'),
    })
  })
})

describe('a vote', () => {
  const vote = (fields: object, more: object = {}) => ({ nodes: [{ id: 'v', prompt: 'q', vote: fields, ...more }] })
  const say =
    (...answers: (string | null)[]): Answering =>
    (request, node) => {
      const at = /\.(\d+)$/.exec(node)
      return at === null ? echo(request, node) : (answers[Number(at[1]) - 1] ?? null)
    }

  test('by agreement takes what most say, whatever the form of it', () => {
    const { said, runner } = run(
      { scroll: vote({ by: 'agreement', answers: 4 }) },
      say('no', ' Yes', '{"a":1,"b":2}', 'yes'),
    )
    expect([said, runner.notes]).toEqual([' Yes', ['2 of 4 answers agree.']])
    const json = say('{"a":1,"b":2}', '{"b":2, "a":1}', '3')
    expect(run({ scroll: vote({ by: 'agreement', answers: 3, quorum: 2 }) }, json).said).toBe('{"a":1,"b":2}')
    expect(run({ scroll: vote({ by: 'agreement', answers: 3, quorum: 2 }) }, say('1', '2', '3')).said).toMatchObject({
      code: 'no_agreement',
    })
  })

  test('by judge lets one answer be made of all, knowing the question; who failed is left out', () => {
    const { said, runner } = run(
      { scroll: vote({ by: 'judge', models: ['a', 'b', 'c'], judge: { model: 'j' } }) },
      say('A', null, 'C'),
    )
    expect(said).toContain('Answer 1:\nA\n\nAnswer 2:\nC')
    const judged = runner.asked.at(-1)!
    expect([judged.node, judged.request.model, judged.request.messages[0].content]).toEqual(['v.judge', 'j', 'q'])
    expect(runner.asked.slice(0, 3).map(({ request }) => request.model)).toEqual(['a', 'b', 'c'])
  })

  test('by judge gives tools to the judge alone, who is asked even when only one answer came', () => {
    const tools = {
      tools: [{ type: 'function', function: { name: 'f' } }],
      tool_choice: 'auto',
      parallel_tool_calls: false,
    }
    const scroll = vote({ by: 'judge', answers: 2 }, tools)
    const { said, runner } = run({ scroll }, say('A', null))
    expect(said).toContain('Answer 1:\nA')
    expect(runner.asked.map(({ node }) => node)).toEqual(['v.1', 'v.2', 'v.judge'])
    for (const { node, request } of runner.asked) {
      const { tools: given, tool_choice, parallel_tool_calls } = request
      expect({ tools: given, tool_choice, parallel_tool_calls }).toEqual(node === 'v.judge' ? tools : {})
    }
    const agreed = run({ scroll: vote({ by: 'agreement', answers: 2 }, tools) }, say('A', 'A'))
    for (const { request } of agreed.runner.asked) expect(request).toMatchObject(tools)
  })

  test('with one answer needs no judge, and with none fails', () => {
    const scroll = vote({ by: 'judge', answers: 2 })
    expect(run({ scroll }, say('only', null)).said).toBe('only')
    expect(run({ scroll }, say(null, null)).said).toMatchObject({ code: 'contract_broken' })
    expect(run({ scroll: vote({ by: 'judge', answers: 2, quorum: 2 }) }, say('only', null)).said).toMatchObject({
      code: 'no_agreement',
    })
  })
})

describe('a condition', () => {
  test.each([
    [{ is: true }, 'ok', true],
    [{ is: false }, 'ok', false],
    [{ is: 5 }, 'n', true],
    [{ above: 4 }, 'n', true],
    [{ below: 5 }, 'n', false],
    [{ in: ['x', 5] }, 'n', true],
    [{ in: ['x'] }, 'n', false],
    [{ exists: true }, 'gone', false],
    [{ exists: false }, 'gone', true],
    [{ is: null }, 'gone', false],
  ])('%o of %s', (condition, field, holds) => {
    const nodes = [
      { id: 'check', prompt: 'c' },
      { id: 'fix', prompt: 'fix', when: { ref: `nodes.check.${field}`, ...condition } },
      { id: 'end', prompt: 'and: {{nodes.fix}}' },
    ]
    const { said, runner } = run({ scroll: { nodes } }, (request, node) =>
      node === 'check' ? '```json\n{"ok": true, "n": 5}\n```' : echo(request, node),
    )
    expect(said).toBe(holds ? 'end(and: fix.run(fix))' : 'end(and: )')
    expect(runner.names.includes('fix.run')).toBe(holds)
  })
})

describe('texts', () => {
  const piece = fc.constantFrom('# Head\n', 'para\n\n', 'A sentence. ', 'word ', 'x'.repeat(40), '\n', '😀', '\n\n\n')
  test('are split without loss into parts that fit', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), fc.integer({ min: 2, max: 120 }), (pieces, chars) => {
        const text = pieces.join('')
        const parts = splitText(text, chars)
        expect(parts.join('')).toBe(text)
        for (const part of parts) expect(part.length > 0 && part.length <= chars && part.isWellFormed()).toBe(true)
      }),
      { numRuns: 1_000, seed: 3 },
    )
  })

  test('are cut at headings before paragraphs, and at paragraphs before sentences', () => {
    expect(splitText('# A\none\n\ntwo\n# B\nthree. four.', 18)).toEqual(['# A\none\n\ntwo\n', '# B\nthree. four.'])
    expect(splitText('one. two.\n\nthree. four.', 15)).toEqual(['one. two.\n\n', 'three. four.'])
    expect(splitText('one two. three four.', 12)).toEqual(['one two. ', 'three four.'])
  })

  test('that are handed on and too long keep their head and tail', () => {
    const cut = cutText(`${'a'.repeat(1_000)}${'z'.repeat(1_000)}`, 300)
    expect(cut).toMatch(/^a+\n\[… 1700 characters left out …\]\nz+$/)
    expect(cut.length).toBeLessThanOrEqual(300)
  })
})
