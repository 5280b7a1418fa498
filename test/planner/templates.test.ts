import { describe, expect, test } from 'vitest'
import type { Plan, RequestCheck } from '../../orchestrator/engine/ports/planner.ts'
import { chatRequest, embeddingsRequest } from '../../orchestrator/http/schema/openai-requests.ts'
import { refusal } from '../../orchestrator/http/schema/validation.ts'
import { plan } from '../../orchestrator/planner/plan.ts'
import { type Answering, PlanRunner } from '../support/providers/plan-runner.ts'
import type { Json } from '../support/providers/provider-calls.ts'

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

const saidLast = ({ messages }: Json): string => messages.at(-1).content
const echo: Answering = (request, node) => `${node}(${saidLast(request)})`

function run(asked: Parameters<typeof plan>[0], answer: Answering) {
  const runner = new PlanRunner(answer)
  return { said: runner.run(planOf(asked)), runner }
}

describe('templates', () => {
  const input = 'Why is the {{sky}} blue?'
  test.each(['single', 'ensemble', 'debate', 'plan-and-solve', 'map-reduce'])(
    '%s answers by its last node',
    (template) => {
      const answer: Answering = (request, node) =>
        node === 'plan' ? '{"steps":["look","think"]}' : echo(request, node)
      const { said, runner } = run({ template, params: { input } }, answer)
      expect(said).toMatch(/^answer/)
      // What a person wrote is quoted, not read.
      expect(runner.asked[0]!.request.messages.some((message: Json) => message.content.includes('{{sky}}'))).toBe(true)
    },
  )

  test('an ensemble asks the strongest models there are, and the strongest of all judges', () => {
    const { runner } = run({ template: 'ensemble', params: { input } }, echo)
    expect(runner.asked.map(({ request }) => request.model)).toEqual(['large-70b', 'small', 'medium-8b', 'large-70b'])
  })

  test('map-reduce takes the longest message for the document, and loses nothing of it', () => {
    const document = Array.from({ length: 400 }, (_, at) => `# Chapter ${at}\n\n${'word '.repeat(40)}`).join('\n')
    const messages = [
      { role: 'system', content: 'Count the words.' },
      { role: 'user', content: document },
    ]
    const { runner } = run({ template: 'map-reduce', params: { messages } }, echo)
    const parts = runner.asked.filter(({ node }) => /^answer\.\d+$/.test(node)).map(({ request }) => saidLast(request))
    expect(parts.every((part) => part.startsWith('Count the words.') && part.length < 9_000)).toBe(true)
    expect(parts.map((part) => part.slice(part.indexOf('lacks:\n\n') + 8)).join('')).toBe(document)
  })

  test.each([
    ['none', {}, 'template', 'must be one of auto, single'],
    ['single', {}, 'params.input', 'is required'],
    ['single', { input: '' }, 'params.input', 'not empty'],
    ['single', { input: 'x', messages: [] }, 'params.messages', 'cannot stand beside'],
    ['single', { messages: [{ role: 'king' }] }, 'params.messages[0].role', 'must be one of'],
    ['ensemble', { input: 'x', answers: 99 }, 'params.answers', 'from 2 to 8'],
    ['debate', { input: 'x', rounds: 0 }, 'params.rounds', 'from 1 to 5'],
    ['debate', { input: 'x', spectators: 3 }, 'params.spectators', 'is not known here'],
  ])('%s with %o is refused', (template, params, param, words) => {
    const found = plan({ template, params }, { check, catalog, deadlineMs: 1 })
    expect(found).toMatchObject({ param, message: expect.stringContaining(words) })
  })
})

describe('planning by a model', () => {
  const auto = { template: 'auto', params: { input: 'Compare A with B.' } }
  const good = {
    nodes: [
      { id: 'a', prompt: 'Tell of A, for: {{input}}', model: 'small' },
      { id: 'b', prompt: 'Tell of B' },
      { id: 'both', prompt: '{{nodes.a}} against {{nodes.b}}' },
    ],
  }

  /** Proposals one after the other; everything else is echoed. */
  function planned(...proposals: (object | string | null)[]) {
    const texts = proposals.map((one) => (typeof one === 'object' && one !== null ? JSON.stringify(one) : one))
    return run(auto, (request, node) => (node.includes('.plan.') ? texts.shift()! : echo(request, node)))
  }

  test('carries out what the strongest model proposes', () => {
    const { said, runner } = planned(good)
    expect(runner.asked[0]!.request.model).toBe('large-70b')
    expect(runner.asked[0]!.request.messages[0].content).toContain('- medium-8b (chat; 2 scouts; context 8000 tokens)')
    expect(said).toBe('answer.do.both(answer.do.a(Tell of A, for: Compare A with B.) against answer.do.b(Tell of B))')
    expect(runner.notes).toEqual(['Planned as 3 nodes at proposal 1.'])
  })

  test('tells the model what is wrong, twice at most', () => {
    const { said, runner } = planned('Sure! I will.', { nodes: [{ id: 'a', prompt: '{{nodes.b}}' }] }, good)
    expect(said).toContain('against')
    const last = runner.asked.find(({ node }) => node === 'answer.plan.3')!.request.messages
    expect(last.slice(-2).map(({ content }: Json) => content)).toEqual([
      '{"nodes":[{"id":"a","prompt":"{{nodes.b}}"}]}',
      expect.stringContaining('no node has that id'),
    ])
  })

  test.each([
    ['nothing that could be used', ['x', 'y', 'z'], 'no plan that could be used: It is not a JSON object.'],
    ['that it need not be divided', [{ single: true, why: 'It is small.' }], 'no need to divide it. It is small.'],
    ['nothing at all', [null, null], 'did not answer'],
  ])('falls back to one task when the model proposes %s, and says why', (_, proposals, words) => {
    const { said, runner } = planned(...proposals)
    expect(said).toBe('answer.single(Compare A with B.)')
    expect(runner.notes.at(-1)).toContain(words)
  })

  test('asks without a form of answers when the first proposal failed', () => {
    const { runner } = planned(null, good)
    const forms = runner.asked.slice(0, 2).map(({ request }) => request.response_format?.json_schema.name)
    expect(forms).toEqual(['chasm_scroll', undefined])
  })

  test.each([
    [{ nodes: [{ id: 'a', prompt: 'x', model: 'gpt-unknown' }] }, 'not in the list'],
    [{ nodes: [{ id: 'a', prompt: 'x', vote: { by: 'judge', models: ['small', 'evil'] } }] }, 'not in the list'],
    [{ nodes: [{ id: 'a', prompt: 'x', tools: [] }] }, 'a field that is not allowed'],
    [{ nodes: [{ id: 'a', prompt: 'x', kind: 'embed' }] }, 'must be chat or specialist'],
    [{ nodes: Array.from({ length: 17 }, (_, at) => ({ id: `n${at}`, prompt: 'x' })) }, 'at most 16'],
    [{ nodes: [{ id: 'a', prompt: 'x', needs: ['a'] }] }, 'needs itself'],
    [{ nodes: [{ id: 'a', prompt: '{{item}}', map: { over: 'nodes.a.x', max: 256 } }] }, ''],
  ])('refuses %o', (proposal, words) => {
    const { runner } = planned(proposal, proposal, proposal)
    expect(runner.notes.at(-1)).toContain('no plan that could be used')
    expect(runner.notes.at(-1)).toContain(words)
  })

  test('keeps to its share of time and tokens', () => {
    const found = planOf({ ...auto, params: { ...auto.params, budget_tokens: 3_000 } })
    const { work } = found.tasks[0]!.control as { work: { request: Json; terms: Json } }
    expect([work.request.max_tokens, work.terms.deadlineMs]).toEqual([200, 30_000])
  })
})
