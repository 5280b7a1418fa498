/** `models`: one after the other is asked until one answers, and the client sees one answer. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ModelListing } from '../../../orchestrator/engine/ports/client.ts'
import { type Fault, type FaultCode, fault } from '../../../shared/faults.ts'
import { fallbackWaitMs } from '../../../shared/limits/http.ts'
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { type HeldSystem, heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'
import type { FakeAnswer } from '../../support/hub/fake-engine.ts'

let edge: TestEdge
let system: HeldSystem
beforeEach(() => {
  system = heldSystem()
  edge = startEdge({}, system)
  offer('first', 'second', 'third')
})
// The server looks at its last requests by the clock that stands still.
afterEach(() => system.drive(edge.hub.stop()))

function offer(...ids: string[]): void {
  const rest: Omit<ModelListing, 'id'> = {
    ...{ kinds: ['chat'], scouts: 1, idle: 1, providers: ['vllm'], contextTokens: 0, abilities: 0 },
    ...{ about: '', promptPrice: null, answerPrice: null, speed: null, created: 0 },
  }
  edge.engine.modelListings = ids.map((id) => ({ id, ...rest }))
}

const messages = [{ role: 'user', content: 'hi' }]
const chain = { model: 'first', models: ['second', 'third'], messages }
const line = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const end = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}'

function serve(answer: FakeAnswer): FakeAnswer {
  return answer.serve({ scout: 'ant', provider: 'vllm', model: answer.submission.model })
}

/** Plays one part after the other; the last one for all that follow. */
function play(...parts: ((answer: FakeAnswer) => void)[]): void {
  let next = 0
  edge.engine.script = (answer) => parts[Math.min(next++, parts.length - 1)]!(answer)
}

const fails = (code: FaultCode) => (answer: FakeAnswer) => void answer.fail(fault(code, `It was ${code}.`))
const answers = (answer: FakeAnswer) => void serve(answer).done(whole)
const asked = () => edge.engine.answers.map(({ submission }) => submission.model)

interface Answered {
  model?: string
  chasm?: { model: string; attempts: number; queued_ms: number }
  error?: Fault
}

async function ask(request: object): Promise<[status: number, Answered]> {
  const response = await edge.post('/v1/chat/completions', request)
  return [response.status, (await response.json()) as Answered]
}

describe('the next model is asked', () => {
  test.each([
    'model_not_found',
    'no_scout_available',
    'provider_unavailable',
    'provider_rate_limited',
    'rate_limited',
    'provider_timeout',
    'context_length_exceeded',
    'content_refused',
    'scout_lost',
    'bad_answer',
    'attempts_exhausted',
  ] as const)('after %s, and the answer names what served', async (code) => {
    play(fails(code), fails(code), answers)
    const [status, { model, chasm }] = await ask(chain)
    expect([status, model, chasm!.model, chasm!.attempts, chasm!.queued_ms]).toEqual([200, 'third', 'third', 3, 21])
    expect(asked()).toEqual(['first', 'second', 'third'])
  })

  test('when nobody offers the one before', async () => {
    offer('third')
    play(answers)
    expect((await ask(chain))[1].model).toBe('third')
    expect(asked()).toEqual(['third'])
  })

  test('when the one before is offered for vectors alone', async () => {
    edge.engine.modelListings[0]!.kinds = ['embed']
    play(answers)
    expect((await ask(chain))[1].model).toBe('second')
  })

  test('with `models` alone as well, and each once', async () => {
    play(fails('scout_lost'), answers)
    expect((await ask({ models: ['first', 'first', 'second'], messages }))[1].model).toBe('second')
    expect(asked()).toEqual(['first', 'second'])
  })

  test('each under its own suffix', async () => {
    play(fails('scout_lost'), answers)
    await ask({ model: 'first:floor', models: ['second:nitro'], messages })
    expect(edge.engine.answers.map(({ submission }) => submission.routing)).toEqual([
      { sort: 'price' },
      { sort: 'throughput' },
    ])
  })

  test('of a stream too, as long as nothing of it was given out', async () => {
    play(fails('provider_unavailable'), (answer) => void serve(answer).line(line('Hello')).line(end).done())
    const reader = await new StreamReader(await edge.post('/v1/chat/completions', { ...chain, stream: true })).over()
    expect([reader.text, reader.isDone, reader.error]).toEqual(['Hello', true, null])
    expect(reader.events.map(({ model }) => model)).toEqual(['second', 'second'])
  })
})

describe('nobody else is asked', () => {
  test.each(['invalid_request', 'queue_full', 'deadline_exceeded', 'internal_error', 'hub_draining'] as const)(
    'after %s',
    async (code) => {
      play(fails(code))
      expect((await ask(chain))[1].error!.code).toBe(code)
      expect(asked()).toEqual(['first'])
    },
  )

  test('once something of a stream was given out', async () => {
    play((answer) => void serve(answer).line(line('Once ')).fail(fault('scout_lost', 'The scout was lost.'), 5))
    const reader = await new StreamReader(await edge.post('/v1/chat/completions', { ...chain, stream: true })).over()
    expect([reader.text, reader.error!.code]).toEqual(['Once ', 'scout_lost'])
    expect(asked()).toEqual(['first'])
  })

  test('when all have failed: the client hears of the last one', async () => {
    play(fails('provider_timeout'), fails('scout_lost'), fails('provider_unavailable'))
    const [status, { error }] = await ask(chain)
    expect([status, error!.code]).toEqual([502, 'provider_unavailable'])
    expect(asked()).toEqual(['first', 'second', 'third'])
  })

  test('when none of them is offered: the engine says so of the first', async () => {
    offer()
    play(fails('model_not_found'))
    expect((await ask(chain))[0]).toBe(404)
    expect(asked()).toEqual(['first'])
  })

  test('after the client has left', async () => {
    const abort = new AbortController()
    const left = edge.post('/v1/chat/completions', { ...chain, stream: true }, { signal: abort.signal })
    const answer = await edge.engine.submitted()
    abort.abort()
    await expect(left).rejects.toThrow()
    await answer.abandoned
    expect(asked()).toEqual(['first'])
  })
})

describe('a model whose scouts are busy', () => {
  test('gives way to the next one after a while, and is given up', async () => {
    play(
      (answer) => void answer.waits(3),
      (answer) => void serve(answer).done(whole),
    )
    const answering = ask(chain)
    await until('the first to be asked', () => asked().length === 1)
    system.advance(fallbackWaitMs - 1)
    expect(asked()).toEqual(['first'])
    system.advance(1)
    expect((await answering)[1].model).toBe('second')
    await edge.engine.answers[0]!.abandoned
    expect(asked()).toEqual(['first', 'second'])
  })

  test('keeps the request once a scout has it, however long that takes', async () => {
    play((answer) => void answer.waits(null))
    const answering = ask(chain)
    await until('the first to be asked', () => asked().length === 1)
    for (let times = 0; times < 3; times++) {
      system.advance(fallbackWaitMs)
      await new Promise((resolve) => setImmediate(resolve))
    }
    serve(edge.engine.answers[0]!).done(whole)
    expect((await answering)[1].model).toBe('first')
    expect(asked()).toEqual(['first'])
  })

  test('keeps it when it is the last one', async () => {
    play(fails('scout_lost'), (answer) => void answer.waits(3))
    const answering = ask({ ...chain, models: ['second'] })
    await until('the second to be asked', () => asked().length === 2)
    system.advance(10 * fallbackWaitMs)
    serve(edge.engine.answers[1]!).done(whole)
    expect((await answering)[1].model).toBe('second')
  })
})

test('all of them together have the time that one would have', async () => {
  play((answer) => void answer.waits(1), answers)
  const answering = ask({ ...chain, chasm: { deadline_ms: 60_000 } })
  await until('the first to be asked', () => asked().length === 1)
  system.advance(fallbackWaitMs)
  await answering
  const deadlines = edge.engine.answers.map(({ submission }) => submission.deadlineMs)
  expect(deadlines).toEqual([60_000, 60_000 - fallbackWaitMs])
  expect(60_000).toBeLessThan(requestDeadlineMs)
})

test('an answer under an Idempotency-Key is kept, whoever made it', async () => {
  play(fails('scout_lost'), answers)
  const headers = { 'idempotency-key': 'once' }
  const first = await (await edge.post('/v1/chat/completions', chain, { headers })).json()
  const again = await edge.post('/v1/chat/completions', chain, { headers })
  expect([again.headers.get('idempotent-replayed'), await again.json()]).toEqual(['true', first])
  expect(asked()).toEqual(['first', 'second'])
})
