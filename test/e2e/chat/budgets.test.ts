/** A budget under many requests at once, over HTTP: who is admitted, what stays set aside, and whose it stays. */
import { expect, onTestFinished, test } from 'vitest'
import { noLimits, storedLimits } from '../../../shared/keys/key-terms.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { contentLine, finishLine, joinRaw, type RawScout } from '../../support/scout/raw-scout.ts'

const body = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] }
const answerText = contentLine('hi') + finishLine
const usage = '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}'
/** A scout is trusted with so many at once before it has shown anything. */
const scouts = 5
const admitted = 10
const asked = 200

function liveHub(): LiveHub {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  return live
}

interface Budget {
  limit: number
  used: number
  reserved: number
}

/** A key that may use so many tokens a day, and what it asks with. */
function keyWith(live: LiveHub, amount: number) {
  const limits = storedLimits({ ...noLimits, budgets: [{ unit: 'tokens', per: 'day', amount }] })
  const { key, row } = live.hub.keyring.issue('client', 'app', { limits })
  const headers = { authorization: `Bearer ${key}` }
  const ask = (signal?: AbortSignal) =>
    live.post('/v1/chat/completions', { ...body, stream: true }, { headers, ...(signal && { signal }) })
  const budget = async (authorization = headers.authorization) => {
    const shown = await fetch(`${live.url}/v1/me/limits`, { headers: { authorization } })
    return ((await shown.json()) as { budgets: Budget[] }).budgets[0]!
  }
  return { id: row.id, ask, budget }
}

interface Held {
  scout: RawScout
  lease: FrameOf<'task'>
}

function answered({ scout, lease }: Held): void {
  scout.chunk(lease, 0, 0, answerText)
  scout.settle(lease, { chunks: 1 }, usage)
}

test('of two hundred requests at once a budget for ten admits ten, and keeps nothing after their end', async () => {
  const live = liveHub()
  const fleet = await Promise.all(
    Array.from({ length: scouts }, (_, at) => joinRaw(live, { name: `raw-${at}`, credits: 4, concurrency: 4 })),
  )
  const given = () =>
    fleet.flatMap((scout) =>
      scout.frames.flatMap((frame): Held[] => (frame.type === 'task' ? [{ scout, lease: frame }] : [])),
    )
  const measured = keyWith(live, 1_000_000)
  const first = measured.ask()
  await until('the first', () => given().length === 1)
  const { reserved: each } = await measured.budget()
  const [one] = given()
  answered(one!)
  await (await first).text()

  const { ask, budget } = keyWith(live, admitted * each + Math.floor(each / 2))
  const leaving = new AbortController()
  const statuses: number[] = []
  for (let at = 0; at < asked; at++) {
    ask(leaving.signal).then(
      ({ status }) => statuses.push(status),
      () => statuses.push(0),
    )
  }
  await until('all the others to be refused', () => statuses.length === asked - admitted)
  expect(new Set(statuses)).toEqual(new Set([402]))
  expect(await budget()).toMatchObject({ reserved: admitted * each, used: 0 })
  await until('the ten', () => given().length === 1 + admitted)
  const held = given().filter(({ lease }) => lease.task !== one!.lease.task)
  const [done, failed, left] = [held.slice(0, 4), held.slice(4, 7), held.slice(7)]
  for (const task of done) answered(task)
  const flaw = { outcome: 'failed', fault: 'invalid_request', message: 'no', param: 'messages' } as const
  for (const { scout, lease } of failed) scout.settle(lease, flaw)
  await until('seven answers', () => statuses.length === asked - left.length)
  leaving.abort()
  const stopped = { outcome: 'cancelled', fault: 'cancelled', message: 'x' } as const
  for (const { scout, lease } of left) {
    await scout.heard('cancel', ({ task }) => task === lease.task)
    scout.settle(lease, stopped, '')
  }
  await until('nothing to be reserved', () => live.hub.engine.tenants.isIdle)
  expect(await budget()).toMatchObject({ used: done.length * 9, reserved: 0 })
})

test('what was used of a budget stays used when the secret of its key is replaced', async () => {
  const live = liveHub()
  const scout = await joinRaw(live, { credits: 4 })
  const { id, ask, budget } = keyWith(live, 1_000)
  const answer = ask()
  answered({ scout, lease: await scout.heard('task') })
  await (await answer).text()
  expect(await budget()).toMatchObject({ used: 9, reserved: 0 })
  const made = live.hub.keyring.regenerate(id, 1)
  if (typeof made === 'string') throw new Error(made)
  expect(await budget(`Bearer ${made.key}`)).toMatchObject({ limit: 1_000, used: 9, reserved: 0 })
})
