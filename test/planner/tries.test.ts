/** One request by several models in turn: the next one is asked where the one before could not, and only there. */
import { describe, expect, test } from 'vitest'
import type { PlannedTry } from '../../orchestrator/engine/ports/planner.ts'
import { decide } from '../../orchestrator/planner/control/decide.ts'
import { plan } from '../../orchestrator/planner/plan.ts'
import { estimate } from '../../orchestrator/planner/scroll/estimate.ts'
import { type FaultCode, fault } from '../../shared/faults.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import { PlanRunner } from '../support/providers/plan-runner.ts'

const request = { model: 'm:floor', messages: [{ role: 'user', content: 'hi' }], temperature: 0 }
const inTurn = (...models: string[]): PlannedTry[] => models.map((model) => ({ model, terms: {} }))

function planOf(tries: PlannedTry[], sent: typeof request = request) {
  const made = plan({ request: sent, tries }, { check: () => null, catalog: [], deadlineMs: 60_000 })
  if ('code' in made) throw new Error(made.message)
  return made
}

function run(tries: PlannedTry[], answers: Record<string, string | null>) {
  const runner = new PlanRunner(({ model }) => answers[model] ?? null)
  const said = runner.run(planOf(tries))
  return { said, asked: runner.asked.map(({ node, request: sent }) => [node, sent]) }
}

describe('models in turn', () => {
  test('are asked the same until one has answered', () => {
    const { said, asked } = run(inTurn('a', 'b', 'c'), { b: 'from b' })
    expect(said).toBe('from b')
    expect(asked).toEqual([
      ['answer.1', { ...request, model: 'a' }],
      ['answer.2', { ...request, model: 'b' }],
    ])
  })

  test('fail as the last one failed', () => {
    const { said, asked } = run(inTurn('a', 'b'), {})
    expect([said, asked.length]).toEqual([expect.objectContaining({ code: 'contract_broken' }), 2])
  })

  test('stream as whoever answers, and each keeps its own terms', () => {
    const tries = [{ model: 'a', terms: { requires: { abilities: 1 } } }, ...inTurn('b')]
    const [task] = planOf(tries).tasks
    const at = (stage: number) => decide({ node: 'answer', spec: task!.control, stage, results: [] })
    expect(at(0)).toMatchObject({
      delegate: 'answer.1',
      waitFor: ['answer.1'],
      tasks: [{ model: 'a', requires: { abilities: 1 }, deadlineMs: 30_000 }],
    })
  })

  function decided(code: FaultCode, stage: number) {
    const [task] = planOf(inTurn('a', 'b')).tasks
    const node = `answer.${stage}`
    const result = { node, state: 'failed', body: null, fault: fault(code, 'It failed.') } as const
    return decide({ node: 'answer', spec: task!.control, stage, results: [result] }).type
  }

  test.each(['scout_lost', 'provider_timeout', 'model_not_found', 'rate_limited', 'deadline_exceeded'] as const)(
    'go on after %s, and not behind the last one',
    (code) => {
      expect([decided(code, 1), decided(code, 2)]).toEqual(['expand', 'failed'])
    },
  )

  test.each(['invalid_request', 'budget_exceeded', 'internal_error', 'cancelled'] as const)('end with %s', (code) => {
    expect(decided(code, 1)).toBe('failed')
  })

  test('cost what the first one costs, as far as can be told', () => {
    const costs = { ...estimate(planOf(inTurn('a', 'b')), []) }
    expect(costs).toEqual(estimate(planOf(inTurn('a')), []))
  })

  test('may ask as much as one request may', () => {
    const sent = { ...request, messages: [{ role: 'user', content: 'x'.repeat(bodyBytesMax) }] }
    expect(() => planOf(inTurn('a', 'b'), sent)).toThrow(/more than \d+ bytes/)
  })
})
