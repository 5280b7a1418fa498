/** What an administrator is shown of others is written into the audit log first. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreError } from '../../../orchestrator/engine/ports/store.ts'
import { lookNoteMs } from '../../../shared/limits/keys.ts'
import { realSystem } from '../../../shared/system.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

const real = realSystem()
const question = { input: 'a secret' }
let aheadMs: number
let edge: TestEdge

beforeEach(async () => {
  aheadMs = 0
  edge = startEdge({}, { ...real, nowMs: () => real.nowMs() + aheadMs })
  const accepted = await edge.post('/v1/intents', question)
  expect(accepted.status).toBe(202)
})
afterEach(() => edge.hub.stop())

const intent = () => edge.intents.all[0]!
const looks = () => edge.store.audit({ limit: 99 }).filter(({ action }) => action === 'content.read')

async function look(path: string, key: string | null = edge.keys.admin): Promise<number> {
  const response = await edge.ask(path, {}, key)
  await response.body?.cancel()
  return response.status
}

const paths = () => {
  const { id, resultNode } = intent().view
  return ['', '/events', `/nodes/${resultNode}`, `/nodes/${resultNode}/request`].map(
    (more) => `/v1/intents/${id}${more}`,
  )
}

describe("an administrator's look at another tenant's work", () => {
  test.each([0, 1, 2, 3])('is noted, by whichever route (%i): who, from where, at what, whose', async (at) => {
    intent().tell('planned')
    expect(await look(paths()[at]!)).toBe(200)
    const admin = edge.keyring.list().find(({ role }) => role === 'admin')!
    expect(looks()).toMatchObject([
      {
        ...{ actor: admin.id, address: '127.0.0.1', subject: intent().view.id, before: null },
        after: JSON.stringify({ tenant: intent().submission.tenant }),
      },
    ])
  })

  test('is noted for the list of everybody as well', async () => {
    await look('/v1/intents')
    expect(looks()).toMatchObject([{ subject: 'intents', after: '{"tenant":null}' }])
  })

  test('is noted once an hour, however often a page asks', async () => {
    for (const path of paths()) await look(path)
    expect(looks()).toHaveLength(1)
    aheadMs = lookNoteMs
    await look(paths()[0]!)
    expect(looks()).toHaveLength(2)
  })

  test('shows nothing when it cannot be written down: 503', async () => {
    edge.store.commit = () => {
      throw new StoreError('full', 'database or disk is full')
    }
    for (const path of [...paths(), '/v1/intents']) expect(await look(path)).toBe(503)
  })
})

test('one looks at what is one’s own unnoted, and a look at nothing is none', async () => {
  for (const path of paths()) expect(await look(path, edge.keys.client)).toBe(200)
  await look('/v1/intents', edge.keys.client)
  const mine = await edge.post('/v1/intents', question, {}, edge.keys.admin)
  const { id } = (await mine.json()) as { id: string }
  expect(await look(`/v1/intents/${id}`)).toBe(200)
  expect(await look('/v1/intents/int_none')).toBe(404)
  expect(looks()).toEqual([])
})
