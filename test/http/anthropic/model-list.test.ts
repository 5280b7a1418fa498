/** `GET /v1/models` for those who say that they speak Anthropic's dialect. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelListing } from '../../../orchestrator/engine/ports/client.ts'
import { virtualNames } from '../../../orchestrator/http/schema/virtual-models.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
  edge.engine.modelListings = [
    listing('acme/one'),
    listing('b'),
    { ...listing('embed'), kinds: ['embed'] },
    listing('z'),
  ]
})
afterEach(() => edge.hub.stop())

function listing(id: string): ModelListing {
  return {
    ...{ id, kinds: ['chat'], scouts: 1, idle: 1, providers: ['vllm'], contextTokens: 8_192, abilities: 0, about: '' },
    ...{ promptPrice: null, answerPrice: null, speed: null, created: 1_700_000_000 },
  }
}

const headers = { 'anthropic-version': '2023-06-01' }

async function page(query = '') {
  const response = await edge.ask(`/v1/models${query}`, { headers })
  expect(response.headers.get('request-id')).toMatch(/^req_/)
  return (await response.json()) as {
    data: { id: string }[]
    has_more: boolean
    first_id: string | null
    last_id: string | null
  }
}

const all = ['acme/one', 'b', ...virtualNames, 'z'].sort()

test('the chat models are listed in its form, virtual ones too', async () => {
  const { data, has_more: hasMore, first_id: first, last_id: last } = await page()
  expect(data.map(({ id }) => id)).toEqual(all)
  expect([hasMore, first, last]).toEqual([false, 'acme/one', 'z'])
  expect(data[0]).toEqual({
    ...{ id: 'acme/one', type: 'model', display_name: 'acme/one', created_at: '2023-11-14T22:13:20.000Z' },
    ...{ max_input_tokens: 8_192, max_tokens: null, capabilities: null },
  })
})

test('pages go on in both directions without a gap', async () => {
  for (const limit of [1, 2, 3, 7, 8, 100]) {
    const forth: string[] = []
    for (let after = ''; ; ) {
      const { data, has_more: hasMore, last_id: last } = await page(`?limit=${limit}${after}`)
      forth.push(...data.map(({ id }) => id))
      if (!hasMore) break
      after = `&after_id=${encodeURIComponent(last!)}`
    }
    expect(forth).toEqual(all)
    const back: string[] = []
    for (let before = '&before_id=zz'; ; ) {
      const { data, has_more: hasMore, first_id: first } = await page(`?limit=${limit}${before}`)
      back.unshift(...data.map(({ id }) => id))
      if (!hasMore) break
      before = `&before_id=${encodeURIComponent(first!)}`
    }
    expect(back).toEqual(all)
  }
})

test('one model is found by its name; what cannot answer messages is not', async () => {
  for (const id of ['acme/one', 'acme%2Fone', 'chasm/ensemble']) {
    const response = await edge.ask(`/v1/models/${id}`, { headers })
    expect(await response.json()).toMatchObject({ id: decodeURIComponent(id), type: 'model' })
  }
  for (const id of ['embed', 'unknown']) {
    const response = await edge.ask(`/v1/models/${id}`, { headers })
    expect([response.status, await response.json()]).toMatchObject([404, { error: { type: 'not_found_error' } }])
  }
  expect((await edge.ask('/v1/models?limit=0', { headers })).status).toBe(400)
})

test('everyone else is given the usual form', async () => {
  expect(await (await edge.ask('/v1/models')).json()).toMatchObject({ object: 'list' })
  expect(await (await edge.ask('/v1/models/embed')).json()).toMatchObject({ object: 'model' })
})
