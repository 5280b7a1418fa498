/** A web page of another origin, in a real Chromium, with the OpenAI SDK: what CORS_ORIGINS lets it do. */
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ClientStage,
  neverEnding,
  openClientStage,
  seenEmbedModel,
  seenModel,
} from '../../support/hub/client-stage.ts'
import { installMsMax } from '../../support/machine/apt.ts'
import { bundleForPage, findChromium } from '../../support/machine/chromium.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''

/** A page on a port of its own: another origin than the hub's. */
async function servePage() {
  const script = await bundleForPage('e2e/browser/page.ts')
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: ({ url }) =>
      url.endsWith('.js')
        ? new Response(script, { headers: { 'content-type': 'text/javascript' } })
        : new Response('<!doctype html><title>A page</title><script src="/page.js"></script>', {
            headers: { 'content-type': 'text/html; charset=utf-8' },
          }),
  })
  return { origin: server.url.origin, stop: () => server.stop(true) }
}

describe.skipIf('reason' in found)(`a page of another origin${skipped}`, () => {
  let served: Awaited<ReturnType<typeof servePage>>
  let browser: Browser
  let page: Page
  let stage: ClientStage
  beforeAll(async () => {
    served = await servePage()
    stage = await openClientStage({ corsOrigins: [served.origin] })
    browser = await chromium.launch({ executablePath: (found as { path: string }).path, args: ['--no-sandbox'] })
    page = await browser.newPage()
    await page.goto(served.origin)
  }, installMsMax)
  afterAll(async () => {
    await browser?.close()
    await stage?.close()
    served?.stop()
  })

  /** Calls a function of the page's. */
  function call<Result>(name: string, ...args: unknown[]): Promise<Result> {
    return page.evaluate<Result>(`${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`)
  }
  const hub = () => ({ baseURL: stage.hub.baseURL, apiKey: stage.hub.clientKey })

  test('is answered, and reads the headers that it needs', async () => {
    const { text, requestId, chasm } = await call<Record<string, string>>('whole', hub(), 'demo-small')
    expect(text).toContain('Tell me of the chasm')
    expect([requestId, chasm]).toEqual([expect.stringMatching(/^req_/), '1'])
  })

  test('reads a stream piece by piece', async () => {
    const whole = await call<{ text: string }>('whole', hub(), 'demo-small')
    const streamed = await call<{ text: string; pieces: number }>('streamed', hub(), 'demo-small')
    expect(streamed.text).toBe(whole.text)
    expect(streamed.pieces).toBeGreaterThan(60)
  })

  test('reads why it is refused', async () => {
    expect(await call('refused', hub(), 'gpt-17')).toMatchObject({
      ...{ status: 404, code: 'model_not_found', requestID: expect.stringMatching(/^req_/) },
      message: expect.stringContaining('demo-small'),
    })
    expect(await call('refused', { ...hub(), apiKey: 'sk-wrong' }, 'demo-small')).toMatchObject({ status: 401 })
    expect(await call('refused', { ...hub(), baseURL: `${stage.hub.url}/v7` }, 'demo-small')).toMatchObject({
      status: 404,
    })
  })

  test('lists models and gets vectors', async () => {
    expect(await call('models', hub())).toEqual(expect.arrayContaining(['demo-small', seenModel]))
    expect(await call('embedded', hub(), seenEmbedModel)).toEqual([64, 64])
  })

  test('stops the provider when it goes away in the middle', async () => {
    const { abandonedMs } = neverEnding(stage.standIn, 'talking')
    expect(await call('left', hub(), seenModel)).toBe(true)
    await abandonedMs
  })

  test('never reads anything with cookies sent along', async () => {
    expect(await call('reads', `${stage.hub.url}/readyz`, 'omit')).toBe(200)
    expect(await call('reads', `${stage.hub.url}/readyz`, 'include')).toBe('kept from it')
  })

  test('is kept from a hub that does not name its origin', async () => {
    const other = await openClientStage({ corsOrigins: ['https://app.example.com'] })
    try {
      const their = { baseURL: other.hub.baseURL, apiKey: other.hub.clientKey }
      const refused = await call<{ status?: number; name: string }>('refused', their, 'demo-small')
      expect(refused.status).toBeUndefined()
      expect(refused.name).not.toBe('none')
      expect(await call('reads', `${other.hub.url}/readyz`, 'omit')).toBe('kept from it')
    } finally {
      await other.close()
    }
  })

  test('may be any page where all may, and reads nothing that needs no key', async () => {
    const other = await openClientStage({ corsOrigins: ['*'] })
    try {
      const their = { baseURL: other.hub.baseURL, apiKey: other.hub.clientKey }
      expect((await call<{ text: string }>('streamed', their, 'demo-small')).text).toContain('Tell me of the chasm')
      expect(await call('reads', `${other.hub.url}/metrics`, 'omit')).toBe('kept from it')
    } finally {
      await other.close()
    }
  })
})
