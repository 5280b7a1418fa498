/** While a provider is waited for, the hub hears so again and again; when lines come, or nothing is waited for, not. */
import pino from 'pino'
import { expect, test } from 'vitest'
import { TaskAnswerer } from '../../../scout/tasks/answer-task.ts'
import { AttemptOutput } from '../../../scout/tasks/attempt-output.ts'
import { RunningTask } from '../../../scout/tasks/running-task.ts'
import { done } from '../../../scout/tasks/settlement.ts'
import { aliveEveryMs, startedAfterMs } from '../../../shared/limits/scout.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const nonce = new Uint8Array(16)

/** Takes all frames there are, as the outbox does. */
function taken(output: AttemptOutput): string[] {
  const types: string[] = []
  while (output.peek() !== null) types.push(output.take().type)
  return types
}

test('a provider that is silent is said to be waited for, until it is heard', async () => {
  const system = new ManualSystem()
  const provider = new ScriptedProvider('scripted', ['m'])
  const lookup = { providersOf: () => [{ provider, pausedMs: 0 }], failed: () => {}, exhausted: () => {} }
  const output = new AttemptOutput(1, 1, nonce)
  const frame = { type: 'task', task: 1, attempt: 1, nonce, kind: 'chat', model: 'm', stream: true } as const
  const more = { ttlMs: 30_000, deadlineMs: 600_000, acks: [], size: 0, body: null }
  const task = new RunningTask({ ...frame, ...more }, output, system.nowMs())
  task.enter('queued')
  task.enter('answering')
  const answerer = new TaskAnswerer(system, lookup, pino({ level: 'silent' }), () => {})
  const answered = answerer.answer(task)
  const call = await provider.call()
  system.pass(startedAfterMs)
  expect(taken(output)).toEqual(['started'])
  for (let i = 0; i < 5; i++) {
    system.pass(aliveEveryMs)
    expect(taken(output)).toEqual(['started'])
  }
  await call.line('{"choices":[]}')
  system.pass(aliveEveryMs)
  expect(taken(output)).toEqual(['chunk'])
  system.pass(aliveEveryMs)
  expect(taken(output)).toEqual(['started'])
  call.done()
  await answered
  expect(system.pending).toBe(0)
})

test('a sign of life is not kept: a new session resumes without those of the old one', () => {
  const output = new AttemptOutput(1, 1, nonce)
  output.startedIfSilent()
  taken(output)
  for (let i = 0; i < 3; i++) {
    output.alive()
    output.alive()
    expect(taken(output)).toEqual(['started'])
  }
  output.alive()
  expect(output.resume(0)).toBe(true)
  expect(taken(output)).toEqual(['started'])
  output.alive()
  output.settle(done('{}'), 0)
  expect(taken(output)).toEqual(['settle'])
  expect(output.phase).toBe('sent')
})
