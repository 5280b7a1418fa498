/** What an edge tells of answers to whoever judges scouts beside the brain. */
import { expect, test } from 'vitest'
import { FarWitness } from '../../orchestrator/edge/far-witness.ts'
import type { SeenAnswer, WitnessedAnswer } from '../../orchestrator/engine/ports/trust/witness.ts'
import {
  handedBytesMax,
  handedBytesPerOperatorMax,
  handedBytesPerSecondMax,
  handedWindowMs,
} from '../../shared/limits/trust/audits.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { bytesOf } from '../support/hub/engine-bench.ts'

function stage() {
  const system = new ManualSystem()
  const told: SeenAnswer[] = []
  return { system, told, witness: new FarWitness(system, (seen) => void told.push(seen)) }
}

function answerOf(operator: string, bytes: number): WitnessedAnswer {
  const served = { scout: `${operator}/scout`, provider: 'demo', model: 'm' }
  const request = bytesOf('{}')
  const body = new Uint8Array(bytes - request.length)
  return {
    ...{ interest: 'text', tenant: 'tenant', kind: 'chat', served, stream: false, isDirected: false, request },
    ...{ deadlineMs: 1_000, lines: [], body },
  }
}

test('each answer is told of, and the texts of those that were wanted are handed over', () => {
  const { told, witness } = stage()
  const answer = answerOf('one', 100)
  witness.settled(answer.served, 7, 98)
  witness.answered(answer)
  expect(told).toEqual([
    { type: 'answerSettled', served: answer.served, tokens: 7, answerBytes: 98 },
    { type: 'answerKept', answer },
  ])
  // What is wanted comes with a grant.
  expect(witness.note()).toEqual({ interest: 'none', state: null })
})

test('texts have a bound for each answer, each operator and each second', () => {
  const { system, told, witness } = stage()
  witness.answered(answerOf('one', handedBytesMax + 1))
  expect(told).toHaveLength(0)
  const share = handedBytesPerOperatorMax / 2
  for (let times = 0; times < 3; times++) witness.answered(answerOf('one', share))
  expect(told).toHaveLength(2)
  const operators = handedBytesPerSecondMax / handedBytesPerOperatorMax
  for (let at = 0; at < operators; at++) {
    for (let times = 0; times < 2; times++) witness.answered(answerOf(`other-${at}`, share))
  }
  expect(told).toHaveLength(2 * operators)
  system.pass(handedWindowMs)
  witness.answered(answerOf('one', share))
  expect(told).toHaveLength(2 * operators + 1)
})
