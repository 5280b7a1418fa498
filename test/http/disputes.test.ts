import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Disputes, DisputeView, Filing } from '../../orchestrator/engine/ports/trust/disputes.ts'
import { fault } from '../../shared/faults.ts'
import { noScopes, storedScopes } from '../../shared/keys/key-terms.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const view: DisputeView = {
  ...{ id: 'dsp_1', task: 46_655, side: 'client', state: 'upheld', verdict: 'upheld', reason: 'wrong', comment: 'x' },
  ...{
    scout: null,
    model: 'm',
    answeredMs: 1_700_000_000_500,
    filedMs: 1_700_000_001_500,
    changedMs: 1_700_000_002_500,
  },
  ...{
    endsMs: null,
    appealEndsMs: 1_700_000_003_500,
    appealedBy: null,
    rulingEndsMs: null,
    ruling: null,
    held: 3,
    clawed: 0,
    pledged: 0,
    repaid: 0,
    sentences: ['It fails.'],
  },
  hearings: [{ reruns: 3, judges: 2, votes: [{ against: true, why: 'w' }], ground: null, verdict: 'upheld' }],
}

class PlayedDisputes implements Disputes {
  readonly filings: Filing[] = []
  readonly asked: unknown[][] = []

  file(filing: Filing) {
    this.filings.push(filing)
    return Promise.resolve(view)
  }

  list(...of: Parameters<Disputes['list']>) {
    this.asked.push(of)
    return [view]
  }

  find(...of: Parameters<Disputes['find']>) {
    this.asked.push(of)
    return of[0] === 'dsp_1' ? view : undefined
  }

  appeal(...of: Parameters<Disputes['appeal']>) {
    this.asked.push(of)
    return Promise.resolve(fault('too_late', 'It stands.'))
  }

  appealed() {
    return [{ ...view, side: 'admin' as const, rulingEndsMs: 1_700_000_004_500 }]
  }

  forAdmins(id: string) {
    const texts = { request: '{}', answer: '{"choices":[]}', reruns: ['a', 'b'] }
    return id === 'dsp_1' ? { tenant: 'key_other', view: { ...view, side: 'admin' as const }, texts } : undefined
  }

  rule(...of: Parameters<Disputes['rule']>) {
    this.asked.push(of)
    return Promise.resolve({ ...view, state: 'final' as const })
  }

  counts() {
    return { open: { judging: 2 }, filed: 4, refused: 5, verdicts: { upheld: 6 }, tasks: 7, votes: { for: 8 } }
  }

  stop() {}
}

function played(): PlayedDisputes {
  const disputes = new PlayedDisputes()
  edge.engine.disputes = disputes
  return disputes
}

const tenantOf = (role: string) => edge.keyring.list().find((key) => key.role === role)!.tenant
const asText = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const valid = { task: 'chatcmpl-zzz', request: '{ "model": "m" }', answer: 'hello', reason: 'wrong' }

describe('a dispute', () => {
  test('is filed with the texts as they were, by whoever asked', async () => {
    const disputes = played()
    const response = await edge.post('/v1/disputes', { ...valid, comment: 'It is wrong.' })
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({
      ...{ object: 'dispute', id: 'dsp_1', task: 'chatcmpl-zzz', side: 'client', answered: 1_700_000_000 },
      ...{ ends_by: null, appeal_by: 1_700_000_003, held: 3, hearings: [{ votes: [{ against: true, why: 'w' }] }] },
    })
    const [{ about, ...filing }] = disputes.filings as [Filing]
    expect(filing).toEqual({ tenant: tenantOf('client'), reason: 'wrong', comment: 'It is wrong.' })
    if (about.type !== 'task') throw new Error('it is about a task')
    expect([about.task, asText(about.request)]).toEqual([46_655, '{ "model": "m" }'])
    expect(JSON.parse(asText(about.answer))).toEqual({ choices: [{ index: 0, message: { content: 'hello' } }] })
  })

  test('takes a request and an answer as objects, too', async () => {
    const disputes = played()
    const choices = [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }]
    await edge.post('/v1/disputes', { ...valid, request: { model: 'm', messages: [] }, answer: { id: 'x', choices } })
    const { about } = disputes.filings[0]!
    if (about.type !== 'task') throw new Error('it is about a task')
    expect(asText(about.request)).toBe('{"model":"m","messages":[]}')
    expect(JSON.parse(asText(about.answer))).toEqual({ choices })
  })

  test('may be about a node of an intent', async () => {
    const disputes = played()
    await edge.post('/v1/disputes', { intent: 'int_1', node: 'a', reason: 'unsafe' })
    await edge.post('/v1/disputes', { intent: 'int_1', reason: 'unsafe' })
    expect(disputes.filings.map(({ about }) => about)).toEqual([
      { type: 'node', intent: 'int_1', node: 'a' },
      { type: 'node', intent: 'int_1', node: null },
    ])
  })

  test.each([
    ['no answer at all', { reason: 'wrong' }, 'task'],
    ['two of them', { ...valid, intent: 'int_1' }, 'task'],
    ['no texts', { task: 'chatcmpl-1', reason: 'wrong' }, 'task'],
    ['no id', { ...valid, task: '../etc' }, 'task'],
    ['another reason', { ...valid, reason: 'because' }, 'reason'],
    ['a long comment', { ...valid, comment: 'x'.repeat(501) }, 'comment'],
    ['a number for a request', { ...valid, request: 5 }, 'request'],
    ['unknown fields', { ...valid, verdict: 'upheld' }, 'verdict'],
  ])('with %s is refused and reaches nobody', async (_, body, param) => {
    const disputes = played()
    const response = await edge.post('/v1/disputes', body)
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: { param: string } }).error.param).toBe(param)
    expect(disputes.filings).toEqual([])
  })

  test('is read by each side as itself, and by nobody else', async () => {
    const disputes = played()
    expect(await (await edge.ask('/v1/disputes')).json()).toMatchObject({ object: 'list', data: [{ id: 'dsp_1' }] })
    expect((await edge.ask('/v1/disputes/dsp_1')).status).toBe(200)
    expect((await edge.ask('/v1/disputes/dsp_2')).status).toBe(404)
    expect((await edge.ask('/v1/me/disputes', {}, edge.keys.scout)).status).toBe(200)
    expect((await edge.ask('/v1/me/disputes/dsp_1', {}, edge.keys.scout)).status).toBe(200)
    expect((await edge.ask('/v1/disputes', {}, edge.keys.scout)).status).toBe(403)
    const [client, scout] = [tenantOf('client'), tenantOf('scout')]
    expect(disputes.asked).toEqual([
      ['client', client],
      ['dsp_1', 'client', client],
      ['dsp_2', 'client', client],
      ['scout', scout],
      ['dsp_1', 'scout', scout],
    ])
  })

  test('is appealed by either side, and says why it cannot be', async () => {
    const disputes = played()
    const response = await edge.post('/v1/disputes/dsp_1/appeal', {}, {}, edge.keys.scout)
    expect([response.status, await response.json()]).toMatchObject([410, { error: { code: 'too_late' } }])
    expect(disputes.asked).toEqual([['dsp_1', tenantOf('scout')]])
  })
})

describe('after an appeal', () => {
  const ruling = { verdict: 'rejected', why: 'It holds.' }
  const path = '/v1/admin/disputes/dsp_1/ruling'

  test('an administrator reads the texts, which is noted, and decides', async () => {
    const disputes = played()
    const listed = await (await edge.ask('/v1/admin/disputes', {}, edge.keys.admin)).json()
    expect(listed).toMatchObject({ data: [{ side: 'admin', ruling_by: 1_700_000_004 }] })
    const one = await (await edge.ask('/v1/admin/disputes/dsp_1', {}, edge.keys.admin)).json()
    expect(one).toMatchObject({ id: 'dsp_1', texts: { request: '{}', reruns: ['a', 'b'] } })
    const noted = edge.store.audit({ subject: 'dsp_1', limit: 9 })
    expect(noted).toMatchObject([{ action: 'content.read', after: '{"tenant":"key_other"}' }])
    const response = await edge.post(path, ruling, {}, edge.keys.admin)
    expect([response.status, await response.json()]).toMatchObject([200, { state: 'final' }])
    const { id } = edge.keyring.list().find(({ role }) => role === 'admin')!
    expect(disputes.asked).toEqual([['dsp_1', ruling, expect.objectContaining({ id })]])
    expect((await edge.ask('/v1/admin/disputes/dsp_2', {}, edge.keys.admin)).status).toBe(404)
  })

  test.each([
    ['another verdict', { ...ruling, verdict: 'undecided' }, 'verdict'],
    ['no reason', { verdict: 'upheld' }, 'why'],
    ['an empty reason', { ...ruling, why: '' }, 'why'],
    ['a long reason', { ...ruling, why: 'x'.repeat(501) }, 'why'],
    ['unknown fields', { ...ruling, points: 5 }, 'points'],
  ])('a decision with %s decides nothing', async (_, body, param) => {
    const disputes = played()
    const response = await edge.post(path, body, {}, edge.keys.admin)
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param } }])
    expect(disputes.asked).toEqual([])
  })

  test('nobody else decides, or reads what others dispute', async () => {
    const disputes = played()
    for (const key of [edge.keys.client, edge.keys.scout]) {
      expect((await edge.post(path, ruling, {}, key)).status).toBe(403)
      for (const read of ['/v1/admin/disputes', '/v1/admin/disputes/dsp_1'])
        expect((await edge.ask(read, {}, key)).status).toBe(403)
    }
    expect(disputes.asked).toEqual([])
  })
})

test('a hub that hears none says so', async () => {
  for (const path of ['/v1/disputes', '/v1/disputes/dsp_1', '/v1/me/disputes', '/v1/me/disputes/dsp_1'])
    expect((await edge.ask(path)).status).toBe(404)
  expect((await edge.post('/v1/disputes', valid)).status).toBe(404)
  expect((await edge.ask('/v1/admin/disputes', {}, edge.keys.admin)).status).toBe(404)
})

test('counts are for Prometheus', async () => {
  played()
  const text = await (await edge.ask('/metrics', {}, null)).text()
  for (const line of [
    'chasm_disputes_total{outcome="filed"} 4',
    'chasm_disputes_total{outcome="refused"} 5',
    'chasm_disputes_open{state="judging"} 2',
    'chasm_dispute_verdicts_total{verdict="upheld"} 6',
    'chasm_dispute_tasks_total{kind="chat"} 7',
    'chasm_dispute_votes_total{vote="for"} 8',
  ])
    expect(text).toContain(line)
})

test('a key whose requests are shown to nobody files a dispute only where it says so', async () => {
  const disputes = new PlayedDisputes()
  edge.engine.disputes = disputes
  const scopes = storedScopes({ ...noScopes, audit: false })
  const { key } = edge.keyring.issue('client', 'quiet', { scopes })
  const filing = { intent: 'int_1', reason: 'wrong' }
  const refused = await edge.post('/v1/disputes', filing, {}, key)
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'consent' } }])
  expect((await edge.post('/v1/disputes', { ...filing, consent: false }, {}, key)).status).toBe(400)
  expect(disputes.filings).toHaveLength(0)
  expect((await edge.post('/v1/disputes', { ...filing, consent: true }, {}, key)).status).toBe(201)
  expect((await edge.post('/v1/disputes', filing)).status).toBe(201)
})
