/** Receipts of real work: through a real hub, from the answer to the file that an auditor checks. */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { isAttested } from '../../../docs/examples/answer-hash.ts'
import type { LedgerReport } from '../../../orchestrator/engine/ports/ledger/ledger.ts'
import type { Provider } from '../../../scout/providers/provider.ts'
import { offerOf } from '../../../shared/task.ts'
import { readReceipt } from '../../../verifier/receipt.ts'
import { rootOfPath, sha256 } from '../../../verifier/tree.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { checkedLedger } from '../../support/ledger/calendar.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

let hub: LiveHub

afterEach(() => hub.close())

const bytesIn = (text: string) => Buffer.from(text, 'base64url')

/** As far as these tests look into what a route answers. */
interface Shown {
  more?: boolean
  name?: string | null
  unpaid: { reason: string; tasks: number; why: string }[]
  sealed?: boolean
  data: { why: string[] }[]
  points: { counted: number; waiting: number }
}

interface Proof extends Shown {
  receipt: string
  salt: string
  path: string[]
  index: number
  head: string
}

async function get(path: string, key: string): Promise<{ status: number; body: Shown; text: string }> {
  const response = await fetch(`${hub.baseURL}${path}`, { headers: { authorization: `Bearer ${key}` } })
  const text = await response.text()
  const isJson = response.headers.get('content-type') === 'application/json'
  return { status: response.status, body: isJson ? JSON.parse(text) : null, text }
}

async function chat(
  content: string,
  key = hub.clientKey,
  more: object = {},
): Promise<{ id: string; text: string; body: string }> {
  const body = JSON.stringify({ model: 'demo-small', messages: [{ role: 'user', content }], ...more })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(`${hub.baseURL}/chat/completions`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
  const answer = (await response.json()) as { id: string; choices: { message: { content: string } }[] }
  return { id: answer.id, text: answer.choices[0]!.message.content, body }
}

/** The proof of this answer's receipt, as soon as there is one. */
async function sealed(id: string, key: string): Promise<Proof> {
  const task = Number.parseInt(id.slice(id.indexOf('-') + 1), 36)
  await until('the receipt to be sealed', () => typeof hub.hub.engine.ledger!.receipt(task, null) === 'object')
  const { status, body } = await get(`/receipts/${id}`, key)
  expect([status, body.sealed]).toEqual([200, true])
  return body as Proof
}

function receiptsIn(ledger: LedgerReport): number {
  return ledger.batchesAfter(0, 99).reduce((sum, { leaves }) => sum + leaves.length, 0)
}

describe('a chat', () => {
  test('has one receipt that proves what was asked and answered, for its client and its scout alone', async () => {
    hub = new LiveHub()
    await hub.addScout({ name: 'ant' })
    const { id, text, body } = await chat('Say hello')
    const proof = await sealed(id, hub.clientKey)
    const receipt = bytesIn(proof.receipt)
    const count = bytesIn(proof.head).readUInt32BE(88)
    const root = rootOfPath(receipt, proof.index, count, proof.path.map(bytesIn))
    expect(root.equals(bytesIn(proof.head).subarray(56, 88))).toBe(true)
    const { model, scout, promptUnits, answerUnits, points, flags } = readReceipt(receipt)
    expect({ model, scout: scout.endsWith('/ant'), flags }).toEqual({ model: 'demo-small', scout: true, flags: 0 })
    expect([promptUnits, answerUnits]).toEqual([Math.ceil(9 / 4), Math.ceil(Buffer.byteLength(text) / 4)])
    expect(points).toBeGreaterThan(0)
    const salt = bytesIn(proof.salt)
    const digest = createHash('sha256').update(body).digest()
    const requestHash = sha256(Buffer.concat([Buffer.from('chasm-request-v1'), salt, digest]))
    expect(receipt.includes(requestHash)).toBe(true)
    expect(isAttested(proof, [{ index: 0, message: { content: text } }])).toBe(true)
    expect((await get(`/receipts/${id}`, hub.scoutKey)).status).toBe(200)
    const stranger = hub.hub.keyring.issue('client', 'stranger').key
    expect((await get(`/receipts/${id}`, stranger)).status).toBe(404)
    expect((await get('/receipts/chatcmpl-zzz', hub.clientKey)).status).toBe(404)
    expect((await get('/receipts/nonsense', hub.clientKey)).status).toBe(400)
  })

  test('of an owner with itself, or that names its scouts, earns nothing, and the owner is told why', async () => {
    hub = new LiveHub()
    await hub.addScout({ name: 'ant' })
    const { id: own } = await chat('mine', hub.adminKey, { provider: { only: ['demo'] } })
    const proof = await sealed(own, hub.adminKey)
    expect(readReceipt(bytesIn(proof.receipt))).toMatchObject({ flags: 2, points: 0 })
    for (let at = 0; at < 5; at++) await chat('the same again')
    const { id } = await chat('the last one')
    await sealed(id, hub.clientKey)
    const { body } = await get('/earnings?by=model', hub.scoutKey)
    expect(body.data).toMatchObject([{ model: 'demo-small', tasks: 7, unpaid: 3, reasons: { directed: 1, repeat: 2 } }])
    expect(body.data[0]!.why).toEqual([
      '1 task earned nothing: the request named the scouts which may serve it.',
      '2 tasks earned nothing: one client asked the same more than three times in a day.',
    ])
    expect(body.unpaid).toMatchObject([
      { reason: 'repeat', tasks: 2, why: 'One client asked the same more than three times in a day.' },
      { reason: 'directed', tasks: 1 },
    ])
    expect(body.more).toBe(false)
    expect(body.points.waiting).toBe(body.points.counted)
    const scouts = hub.hub.engine.scouts()
    expect(hub.hub.engine.ledger!.pointsOf(scouts[0]!.operator).waiting).toBe(body.points.waiting)
  })

  test('whose provider reports absurd usage is worth what the hub counted', async () => {
    hub = new LiveHub()
    const model = 'llama-3.1-8b-instant'
    const message = { role: 'assistant', content: 'Three words here' }
    const usage = { prompt_tokens: 10 ** 12, completion_tokens: 10 ** 12, total_tokens: 2 * 10 ** 12 }
    const json = JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage })
    const liar: Provider = {
      name: 'liar',
      discover: async () => [offerOf({ kind: 'chat', model, provider: 'liar' })],
      answer: async () => ({ json }),
    }
    await hub.addScout({ name: 'ant', providers: [liar] })
    const { id } = await chat('Say hello', hub.clientKey, { model })
    const { promptUnits, answerUnits, points } = readReceipt(bytesIn((await sealed(id, hub.clientKey)).receipt))
    expect({ promptUnits, answerUnits, points }).toEqual({ promptUnits: 3, answerUnits: 4, points: 1 })
  })

  test('that breaks off after content is paid for what was forwarded', async () => {
    hub = new LiveHub()
    await hub.addScout({ name: 'ant', demo: { tokensPerSecond: 20 } })
    const headers = { authorization: `Bearer ${hub.clientKey}`, 'content-type': 'application/json' }
    const messages = [{ role: 'user', content: 'A long story, please' }]
    const body = JSON.stringify({ model: 'demo-small', stream: true, messages })
    const leave = new AbortController()
    const { signal } = leave
    const response = await fetch(`${hub.baseURL}/chat/completions`, { method: 'POST', headers, body, signal })
    const reader = response.body!.getReader()
    let read = ''
    while (!read.includes('"content":"')) read += Buffer.from((await reader.read()).value!).toString()
    leave.abort()
    const { id } = JSON.parse(/data: (\{.*\})/.exec(read)![1]!)
    const proof = await sealed(id, hub.clientKey)
    const { flags, points } = readReceipt(bytesIn(proof.receipt))
    expect([flags, points > 0]).toEqual([64, true])
  })
})

describe('the chain', () => {
  test('is given out as a file that the verifier finds true: all of it, own parts, and heads alone', async () => {
    hub = new LiveHub()
    await hub.addScout({ name: 'ant' })
    const { id } = await chat('one')
    await sealed(id, hub.clientKey)
    const key = hub.hub.engine.ledger!.hub
    const whole = await get('/receipts', hub.adminKey)
    expect(checkedLedger(whole.text, key)).toMatchObject({ receipts: 1, first: 1 })
    expect(checkedLedger(whole.text, key).books?.sums()).toMatchObject({
      escrow: checkedLedger(whole.text, key).points,
    })
    const own = await get('/receipts', hub.clientKey)
    expect(checkedLedger(own.text, key)).toMatchObject({ receipts: 1, books: null })
    const stranger = hub.hub.keyring.issue('client', 'stranger').key
    expect(checkedLedger((await get('/receipts', stranger)).text, key)).toMatchObject({ receipts: 0, batches: 1 })
    const heads = await (await fetch(`${hub.baseURL}/ledger/heads`)).text()
    expect(checkedLedger(heads, key)).toMatchObject({ receipts: 0, batches: 1 })
    const table = await get('/receipts?format=csv', hub.scoutKey)
    const task = Number.parseInt(id.slice('chatcmpl-'.length), 36)
    expect(table.text).toMatch(
      new RegExp(`^time,task,scout,.*\\n20[^,]+Z,${task},[^,]+/ant,chat,demo-small,demo,1,\\d+,\\d+,\\n$`),
    )
    expect((await get('/receipts?format=csv', stranger)).text.split('\n')).toHaveLength(2)
    expect((await get('/receipts?format=pdf', hub.scoutKey)).status).toBe(400)
    expect((await get('/receipts?after=1', hub.adminKey)).text).toBe('')
    expect((await get('/receipts?after=x', hub.adminKey)).status).toBe(400)
  })

  test('has durable tasks as well, each once', async () => {
    hub = new LiveHub()
    await hub.addScout({ name: 'ant' })
    const headers = { authorization: `Bearer ${hub.clientKey}`, 'content-type': 'application/json' }
    const nodes = [
      { id: 'first', prompt: 'Think about it' },
      { id: 'last', needs: ['first'], prompt: 'Think again' },
    ]
    const body = JSON.stringify({ scroll: { nodes } })
    const made = await fetch(`${hub.baseURL}/intents`, { method: 'POST', headers, body })
    expect(made.status).toBe(202)
    const { engine } = hub.hub
    await until('the receipts to be sealed', () => receiptsIn(engine.ledger!) === 2)
    const { text } = await get('/receipts', hub.adminKey)
    expect(checkedLedger(text, engine.ledger!.hub)).toMatchObject({ receipts: 2 })
  })
})

test('a hub with RECEIPTS=off gives none, and one with POINTS=off shows none', async () => {
  hub = new LiveHub({ config: { ...quietConfig(temporaryFolder()), receipts: 'off' } })
  await hub.addScout({ name: 'ant' })
  const { id } = await chat('one')
  for (const path of [`/receipts/${id}`, '/receipts', '/earnings', '/seasons', '/leaderboard']) {
    expect((await get(path, hub.clientKey)).status).toBe(404)
  }
  await hub.close()
  hub = new LiveHub({ config: { ...quietConfig(temporaryFolder()), points: 'off' } })
  expect((await get('/earnings', hub.clientKey)).status).toBe(404)
  expect((await get('/receipts', hub.clientKey)).status).toBe(200)
})

test('the leaderboard names those who agreed to it', async () => {
  hub = new LiveHub()
  await hub.addScout({ name: 'ant' })
  const { id } = await chat('one')
  await sealed(id, hub.clientKey)
  const board = async () => (await get('/leaderboard', hub.clientKey)).body
  expect((await board()).data).toMatchObject([{ place: 1, name: null, own: false }])
  const patch = (body: string) => {
    const headers = { authorization: `Bearer ${hub.scoutKey}`, 'content-type': 'application/json' }
    return fetch(`${hub.baseURL}/leaderboard`, { method: 'PATCH', headers, body })
  }
  expect((await patch('{"name":"Ant & Co"}')).status).toBe(200)
  expect((await board()).data).toMatchObject([{ name: 'Ant & Co' }])
  expect((await board()).name).toBe(null)
  expect((await get('/leaderboard', hub.scoutKey)).body.name).toBe('Ant & Co')
  expect((await patch('{"name":null}')).status).toBe(200)
  expect((await board()).data).toMatchObject([{ name: null }])
  expect((await patch('{"name":"\\u0007"}')).status).toBe(400)
})
