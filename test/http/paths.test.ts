/** Paths that plainly mean one that there is. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findRoutes, routes } from '../../orchestrator/http/routes.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeAll(() => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().done('{"choices":[{"index":0,"message":{"content":"a"}}]}')
})
afterAll(() => edge.hub.stop())

const chat = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }

test.each([
  '/v1/chat/completions/',
  '/v1//chat/completions',
  '//v1/chat//completions//',
  '/openai/v1/chat/completions',
  '/openai//v1/chat/completions/',
  '/openai/chat/completions',
  '/chat/completions',
  '/v1/v1/chat/completions',
  '/v1/chat/completions?api-version=1',
  '/messages',
  '/v1/v1/messages',
  '/anthropic/v1/messages',
])('%s is answered', async (path) => {
  const response = await edge.post(path, chat)
  expect(response.status).toBe(200)
  await response.text()
})

test.each([
  ['/v1/models/acme/one/', 'acme/one'],
  ['/models/acme%2Fone', 'acme/one'],
  ['/v1//models//acme/one', 'acme/one'],
  ['/openai/v1/models/openai/gpt-oss', 'openai/gpt-oss'],
  ['/v1/models/a/v1/v1', 'a/v1/v1'],
])('%s names %s', (path, id) => {
  expect(findRoutes(path)?.params.id).toBe(id)
})

test.each([
  '/v2/models',
  '/chat',
  '/openai',
  '/openai/',
  '/v1',
  '/v1/',
  '/scouts',
  '/admin/keys',
  '/v1/v1',
  '/modelsx',
])('%s is nothing', (path) => expect(findRoutes(path)).toBeNull())

test('every route is found under its own path, at once, and also with a slash behind it', () => {
  for (const { method, path } of routes) {
    const asked = path.replace(/\{\w+\}/g, 'x')
    for (const written of [asked, `${asked}/`, `/${asked}`]) {
      const found = findRoutes(written)
      expect([written, found?.routes.map((route) => `${route.method} ${route.path}`)]).toEqual([
        written,
        expect.arrayContaining([`${method} ${path}`]),
      ])
    }
  }
})

test('what needs a key needs it under every name', async () => {
  for (const path of ['/chat/completions', '/openai/v1//models/', '/v1/admin/keys/']) {
    expect((await edge.ask(path, {}, null)).status).not.toBe(200)
  }
  expect((await edge.ask('/models', {}, null)).status).toBe(401)
})
