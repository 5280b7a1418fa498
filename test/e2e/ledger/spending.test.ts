/** A hub whose clients pay with points: from the grant or what scouts earned to the receipt, over real HTTP. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type APIError, OpenAI } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../../orchestrator/engine/ledger/ledger.ts'
import { readReceipt } from '../../../verifier/receipt.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { builtVerifier } from '../../support/ledger/verifier-program.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const command = join(import.meta.dirname, '../../../orchestrator/commands/season.ts')
const verify = builtVerifier()

interface Points {
  available: number
  earned: number
  error?: { code: string; message: string }
}

/** A hub with a demo scout, and a client that has no points yet. */
async function spendingHub() {
  const dataDir = temporaryFolder()
  const hub = new LiveHub({ config: { ...quietConfig(dataDir), points: 'spend' } })
  onTestFinished(() => hub.close())
  await hub.addScout({ name: 'ant' })
  const { key, row } = hub.hub.keyring.issue('client', 'payer')
  const openai = new OpenAI({ baseURL: hub.baseURL, apiKey: key, maxRetries: 0 })
  const ledger = hub.hub.engine.ledger as Ledger
  const season = (...words: string[]) => {
    const options = { encoding: 'utf8', env: { ...process.env, DATA_DIR: dataDir } } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], options)
    return { status, said: stdout + stderr }
  }
  const points = async (of = key, body?: object): Promise<{ status: number; body: Points }> => {
    const headers = { authorization: `Bearer ${of}`, 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const response = await fetch(`${hub.baseURL}/points`, { headers, ...init })
    return { status: response.status, body: (await response.json()) as Points }
  }
  return { hub, ledger, openai, client: row.tenant, key, season, points }
}

const messages = [{ role: 'user' as const, content: 'Tell me a long story of the chasm' }]
const request = { model: 'demo-large', messages, max_tokens: 50_000 }

test('requests are paid with points that were granted or earned, and refused by 402 without', async () => {
  const { hub, ledger, openai, client, key, season, points } = await spendingHub()
  const refused: APIError = await openai.chat.completions.create(request).then(
    () => Promise.reject(new Error('it was answered')),
    (error: APIError) => error,
  )
  expect(refused).toMatchObject({ status: 402, code: 'insufficient_points', type: 'invalid_request_error' })
  expect(refused.message).toMatch(/may cost \d+ points, and you have 0 to spend/)

  expect(season('grant', 'nobody', '5', 'a gift')).toMatchObject({ status: 1 })
  expect(season('grant', client, '100000', 'a gift')).toMatchObject({ status: 0 })
  await until('the grant', () => ledger.spendable(client)!.available === 100_000)
  const { id } = await openai.chat.completions.create(request)
  const task = Number.parseInt(id.slice('chatcmpl-'.length), 36)
  await until('the receipt', () => typeof ledger.receipt(task, null) === 'object')
  const proof = ledger.receipt(task, null) as { receipt: Uint8Array }
  const { points: worth } = readReceipt(Buffer.from(proof.receipt))
  const paid = worth + Math.ceil(worth / 20)
  await until('what is left to be given back', () => ledger.held === 0)
  const left = { object: 'points', available: 100_000 - paid, reserved: 0, earned: 0 }
  expect(await points()).toEqual({ status: 200, body: left })

  const operator = hub.hub.engine.scouts()[0]!.operator
  expect(season('correct', operator, '700', 'earned')).toMatchObject({ status: 0 })
  await until('the earned points', () => ledger.spendable(operator)!.earned === 700)
  expect((await points(hub.scoutKey, { points: 500, to: client })).body).toMatchObject({ available: 0, earned: 200 })
  expect((await points()).body.available).toBe(100_500 - paid)
  expect((await points(hub.scoutKey, { points: 200 })).body).toMatchObject({ available: 200, earned: 0 })
  expect(await points(hub.scoutKey, { points: 1 })).toMatchObject({ status: 402 })
  expect(await points(hub.scoutKey, { points: 1, to: 'nobody' })).toMatchObject({ status: 404 })
  expect(await points(key, { points: -1 })).toMatchObject({ status: 400 })

  const headers = { authorization: `Bearer ${key}` }
  const movements = async (query = '') => {
    const response = await fetch(`${hub.baseURL}/points/movements${query}`, { headers })
    return (await response.json()) as { data: object[]; next: number | null }
  }
  const { data, next } = await movements()
  const day = new Date().toISOString().slice(0, 10)
  expect(data).toEqual(
    expect.arrayContaining([
      { day, kind: 'grant', points: 100_000, count: 1 },
      { day, kind: 'deposit', points: 500, count: 1 },
      { day, kind: 'spend', points: -paid, count: 1 },
    ]),
  )
  expect(next).toBeNull()
  expect(await movements('?before=1')).toEqual({ object: 'list', data: [], next: null })
  expect((await movements('?before=x')) as object).toMatchObject({ error: { param: 'before' } })
})

test('intents set points aside for all of their nodes, and get back what was not used', async () => {
  const { hub, ledger, client, key, season, points } = await spendingHub()
  const nodes = [
    { id: 'first', prompt: 'Think about it', model: 'demo-large' },
    { id: 'last', needs: ['first'], prompt: 'Think again', model: 'demo-large' },
  ]
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ scroll: { nodes } })
  const ask = () => fetch(`${hub.baseURL}/intents`, { method: 'POST', headers, body })
  expect((await ask()).status).toBe(402)
  expect(season('grant', client, '1000000', 'a gift')).toMatchObject({ status: 0 })
  await until('the grant', () => ledger.spendable(client)!.available === 1_000_000)
  expect((await ask()).status).toBe(202)
  await until('both nodes', () => ledger.conservation().escrow > 0 && ledger.held === 0)
  // What was given back of a node comes behind its receipt and what was spent on it.
  await until('what both spent to be on disk', () => {
    const leaves = ledger.batchesAfter(0, 99).flatMap((batch) => batch.leaves)
    return leaves.filter((leaf) => Buffer.from(leaf).includes('"spend"')).length === 2
  })
  const { escrow, burnt } = ledger.conservation()
  // Each of both was rounded up.
  expect(burnt - escrow).toBeGreaterThanOrEqual(Math.ceil(escrow / 20))
  expect(burnt - escrow).toBeLessThanOrEqual(Math.ceil(escrow / 20) + 1)
  expect((await points()).body.available).toBe(1_000_000 - burnt)

  const folder = temporaryFolder()
  const chain = await fetch(`${hub.baseURL}/receipts`, { headers: { authorization: `Bearer ${hub.adminKey}` } })
  writeFileSync(join(folder, 'all.jsonl'), await chain.text())
  const { status, said } = verify(folder, 'all.jsonl', '--hub', ledger.hub)
  expect([status, said]).toEqual([0, expect.stringContaining(`spendable ${1_000_000 - burnt}`)])
})

test('a hub whose points are not spent has none to spend, and takes none', async () => {
  const hub = new LiveHub()
  onTestFinished(() => hub.close())
  const headers = { authorization: `Bearer ${hub.clientKey}` }
  expect((await fetch(`${hub.baseURL}/points`, { headers })).status).toBe(404)
})
