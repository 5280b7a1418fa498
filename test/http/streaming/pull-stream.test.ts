import { expect, test } from 'vitest'
import type { RequestContext } from '../../../orchestrator/http/request-context.ts'
import { StallTimer, streamed } from '../../../orchestrator/http/streaming/pull-stream.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

function stage() {
  const system = new ManualSystem()
  const told: string[] = []
  const edge = { system, settings: { clientStallMs: 60_000 } }
  const server = { timeout: (_: unknown, seconds: number) => told.push(`cut in ${seconds} s`) }
  const context = { edge, server, id: 'req_1', request: null, streams: false } as unknown as RequestContext
  return { system, told, context, timer: new StallTimer(context, () => told.push('given up')) }
}

test('a client that reads nothing for too long is given up, and then its socket is cut', () => {
  const { system, told, timer } = stage()
  timer.start()
  system.pass(59_999)
  expect(told).toEqual([])
  system.pass(1)
  expect(told).toEqual(['given up', 'cut in 1 s'])
})

test('a client that asks for more in time is not, however often', () => {
  const { system, told, timer } = stage()
  for (let times = 0; times < 5; times++) {
    timer.start()
    system.pass(40_000)
    timer.stop()
  }
  timer.stop()
  system.pass(120_000)
  expect([told, system.pending]).toEqual([[], 0])
})

test('a stream gives nothing before it is read, and hears when its reader leaves', async () => {
  const { context, told } = stage()
  const response = streamed(context, {
    async pull(controller) {
      told.push('pull')
      controller.enqueue(new TextEncoder().encode('x'))
    },
    cancel: () => void told.push('cancel'),
  })
  expect([context.streams, response.headers.get('content-type')]).toEqual([true, 'text/event-stream; charset=utf-8'])
  expect(told).toEqual([])
  const reader = response.body!.getReader()
  await reader.read()
  expect(told).toEqual(['pull'])
  await reader.cancel()
  expect(told).toEqual(['pull', 'cancel'])
})
