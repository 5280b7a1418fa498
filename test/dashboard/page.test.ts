/** The page in a real Chromium, in front of a real hub: the ways that people take through it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { liveStreamsPerCallerMax } from '../../shared/limits/http.ts'
import { patienceMs } from '../support/clocks/until.ts'
import { installMsMax } from '../support/machine/apt.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { ScriptedProvider } from '../support/providers/scripted-provider.ts'
import { flawsOf, openPage, PageStage, signIn, tabTo } from './page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''

const hostile =
  '<img src=x onerror="window.broken=1">\u202Egnp.exe [x](javascript:window.broken=1) ![](http://evil.invalid/x)'

describe.skipIf('reason' in found)(`the page${skipped}`, () => {
  let stage: PageStage
  beforeAll(async () => {
    stage = await PageStage.open((found as { path: string }).path)
    await stage.hub.addScout({ name: 'ant' })
  }, installMsMax)
  afterAll(() => stage?.close())
  afterEach(() => stage.closePages())

  test('tells a visitor what there is, and lets in whoever has a key, which it keeps nowhere', async () => {
    const context = await stage.context()
    const page = await context.newPage()
    const first: string[] = []
    page.on('request', (request) => first.push(request.url()))
    await page.goto(stage.hub.url)
    await page.getByText('1 scout is connected').waitFor({ timeout: patienceMs })
    expect(first).toHaveLength(4)
    await page.getByRole('link', { name: 'Use the API' }).click()
    await signIn(page, stage.hub.clientKey)
    await page.getByText('Your first answer is three steps away.').waitFor({ timeout: patienceMs })
    const kept = await page.evaluate(
      'JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])',
    )
    expect(kept).not.toContain(stage.hub.clientKey)
    expect(await page.getByRole('link', { name: 'Admin' }).count()).toBe(0)
  })

  test('refuses a key that is none, with the sentence of the hub, and asks on', async () => {
    const page = await (await stage.context()).newPage()
    await page.goto(`${stage.hub.url}/#keys`)
    await page.getByLabel('Key').fill('chasm_client_nothing')
    await page.getByRole('button', { name: 'Sign in with the key' }).click()
    await page.getByRole('alert').waitFor({ timeout: patienceMs })
    expect(await page.getByLabel('Key').isVisible()).toBe(true)
  })

  test('signs the operator in by the link of a start, without a click, once, and leaves no trace of it', async () => {
    const made = stage.hub.hub.accounts.links.make(null, { id: 'console', address: '' })
    if ('code' in made) throw new Error(made.message)
    const link = `${stage.hub.url}/#login=${made.token}`
    const page = await (await stage.context()).newPage()
    await page.goto(link)
    await page.getByText(/^All is well/).waitFor({ timeout: patienceMs })
    expect(await page.evaluate('location.href')).toBe(`${stage.hub.url}/#overview`)
    const second = await (await stage.context()).newPage()
    await second.goto(link)
    await second.getByText('This link is unknown, used or over').waitFor({ timeout: patienceMs })
    expect(await second.locator('.account').count()).toBe(0)
  })

  test('turns green when the first request is answered, and says who answered it', async () => {
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'connect/api')
    await page.getByText('Waiting for your first request…').waitFor({ timeout: patienceMs })
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'Say hello' }] }
    await (await stage.hub.post('/v1/chat/completions', chat)).text()
    await page.locator('.arrival.arrived').waitFor({ timeout: patienceMs })
    expect(await page.locator('.arrival.arrived').textContent()).toMatch(/^ant answered with demo-\w+ in [\d.]+ m?s\.$/)
  })

  test('turns green when a scout dials in', async () => {
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'connect/scout')
    await page.getByText('Waiting for the scout to dial in…').waitFor({ timeout: patienceMs })
    const drain = await stage.hub.addScout({ name: 'bee' })
    await page.getByText(/bee is connected, offers demo-\w+/).waitFor({ timeout: patienceMs })
    await drain()
  })

  test('says how the hub is, and charts it with numbers beside each chart', async () => {
    const page = await stage.signedIn(stage.hub.adminKey)
    await page.getByText(/^All is well: 1 scout answers for \d+ models\.$/).waitFor({ timeout: patienceMs })
    await page.locator('.chart canvas').first().waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Requests as a table' }).click()
    await page.getByRole('columnheader', { name: 'per second' }).waitFor({ timeout: patienceMs })
  })

  test('streams a chat, and shows it as code that can be copied', async () => {
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'playground')
    await page.getByLabel('Message').fill('Tell me of the chasm')
    await page.keyboard.press('Enter')
    await page.locator('.turn.assistant .faint').waitFor({ timeout: patienceMs })
    expect(await page.locator('.turn.assistant .answer').textContent()).toContain('Tell me of the chasm')
    await page.getByRole('button', { name: 'Show as code' }).click()
    expect(await page.locator('.code pre').textContent()).toContain('/v1/chat/completions')
  })

  test('streams the answer of a virtual model, and leads to the run behind it', async () => {
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'playground')
    await page.getByLabel('Model').selectOption('chasm/ensemble', { timeout: patienceMs })
    await page.getByLabel('Message').fill('Say hello')
    await page.keyboard.press('Enter')
    await page.getByText(/^chasm\/ensemble in [\d.]+ m?s/).waitFor({ timeout: patienceMs })
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.locator('.turn.assistant .answer').textContent()).not.toBe('…')
    await page.getByRole('link', { name: 'See its run' }).click()
    await page.getByText(/^\d+ of \d+ nodes/).waitFor({ timeout: patienceMs })
  })

  test('plans and runs a scroll, and shows the run to its end', async () => {
    const page = await stage.signedIn(stage.hub.clientKey, {}, 'playground/scroll')
    await page.getByRole('button', { name: 'Plan' }).click()
    await page.getByText(/^The plan holds: 3 tasks/).waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText(/3 of 3 nodes/).waitFor({ timeout: patienceMs })
    expect(await page.locator('.node.done').count()).toBe(3)
    await page.getByRole('button', { name: /^for ant: done/ }).press('Enter')
    await page.locator('.run .panel h2', { hasText: /^for$/ }).waitFor({ timeout: patienceMs })
    await page.locator('.answer').waitFor({ timeout: patienceMs })
    await page.getByText('Request', { exact: true }).click()
    await page.getByText('What speaks for remote work?').first().waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Timeline' }).click()
    expect(await page.locator('.timeline button').count()).toBe(3)
  })

  test('shows what strangers named and wrote as text, runs none of it and asks nobody else', async () => {
    const provider = new ScriptedProvider('odd', [hostile.slice(0, 60)])
    const drain = await stage.hub.addScout({ name: 'odd', providers: [provider] })
    stage.hub.hub.keyring.issue('client', hostile.slice(0, 60))
    const page = await stage.signedIn(stage.hub.adminKey)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    for (const path of ['scouts', 'keys', 'overview']) await openPage(page, path)
    await openPage(page, 'playground')
    await page.getByLabel('Model').selectOption({ index: 1 })
    await page.getByLabel('Message').fill(hostile)
    await page.keyboard.press('Enter')
    const call = await provider.call()
    const delta = { role: 'assistant', content: `${hostile}\n\`\`\`\n${hostile}\n\`\`\`` }
    await call.line(JSON.stringify({ choices: [{ index: 0, delta, finish_reason: 'stop' }] }))
    call.done()
    await page.locator('.turn.assistant .faint').waitFor({ timeout: patienceMs })
    expect(await page.locator('.turn').allInnerTexts()).toContainEqual(expect.stringContaining('<img src=x'))
    const named = { input: hostile, model: 'demo-small', metadata: { name: hostile } }
    expect((await stage.hub.post('/v1/intents', named)).status).toBe(202)
    await openPage(page, 'intents')
    await page.getByText('<img src=x').first().waitFor({ timeout: patienceMs })
    await page.getByRole('link', { name: /<img src=x/ }).click()
    await page.locator('.run .answer').waitFor({ timeout: patienceMs })
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(await page.locator('main img, main a[href^="javascript"]').count()).toBe(0)
    expect(asked.filter((url) => !url.startsWith(stage.hub.url) && !url.startsWith('data:'))).toEqual([])
    await drain()
  })

  test('is shown in no frame of another page', async () => {
    const page = await (await stage.context()).newPage()
    const refused = page.waitForEvent('console', { predicate: (line) => /frame-ancestors/.test(line.text()) })
    await page.setContent(`<iframe src="${stage.hub.url}/"></iframe>`)
    await refused
    expect(await page.frames()[1]?.locator('#page').count()).toBe(0)
  })

  test('opens every page for a key whose budget is used up', async () => {
    const limits =
      '{"requestsPerMinute":null,"tokensPerMinute":null,"budgets":[{"unit":"tokens","per":"day","amount":1}]}'
    const { key } = stage.hub.hub.keyring.issue('client', 'exhausted', { limits })
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'Say hello' }] }
    const refused = await stage.hub.post('/v1/chat/completions', chat, { headers: { authorization: `Bearer ${key}` } })
    expect(refused.status).toBe(402)
    const page = await stage.signedIn(key)
    for (const path of [
      'overview',
      'connect',
      'keys',
      'usage',
      'scouts',
      'intents',
      'playground',
      'playground/scroll',
    ]) {
      await openPage(page, path)
      expect([path, await page.getByRole('alert').allInnerTexts()]).toEqual([path, []])
    }
    await openPage(page, 'playground')
    await page.getByLabel('Message').fill('Say hello')
    await page.keyboard.press('Enter')
    await page.getByText('This key has used its 1 token for today').waitFor({ timeout: patienceMs })
  })

  test('works in seven tabs at once: five have the feed, the others poll', async () => {
    const first = await stage.signedIn(stage.hub.clientKey)
    const tabs = [first]
    while (tabs.length < 7) {
      const page = await first.context().newPage()
      await page.goto(`${stage.hub.url}/#overview`)
      tabs.push(page)
    }
    for (const page of tabs) await page.getByText(/^All is well/).waitFor({ timeout: patienceMs })
    expect(tabs.length).toBeGreaterThan(liveStreamsPerCallerMax)
  })

  test('holds no stream while its tab is hidden, and takes it up again', async () => {
    const page = await stage.signedIn(stage.hub.clientKey)
    const hide = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    await page.getByText(/^All is well/).waitFor({ timeout: patienceMs })
    const ended = page.waitForEvent('requestfailed', { predicate: (request) => request.url().includes('/v1/live') })
    await hide(true)
    await ended
    const again = page.waitForRequest((request) => request.url().includes('/v1/live'))
    await hide(false)
    await again
  })

  test('is used by keyboard alone: signing in, moving about, sending a message', async () => {
    const page = await (await stage.context()).newPage()
    await page.goto(`${stage.hub.url}/#playground`)
    await page.getByLabel('Key').waitFor({ timeout: patienceMs })
    await tabTo(page, 'Key')
    await page.keyboard.type(stage.hub.clientKey)
    await page.keyboard.press('Enter')
    await page.getByLabel('Message').waitFor({ timeout: patienceMs })
    await tabTo(page, 'Message')
    await page.keyboard.type('Say hello')
    await page.keyboard.press('Enter')
    await page.locator('.turn.assistant .faint').waitFor({ timeout: patienceMs })
    await page.evaluate('document.activeElement.blur()')
    await tabTo(page, 'Skip to the content')
    await tabTo(page, 'Overview')
    await page.keyboard.press('Enter')
    await page.getByText(/^All is well/).waitFor({ timeout: patienceMs })
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    test.each([1440, 360])('is accessible and does not overflow at %i pixels', async (width) => {
      const scroll = {
        nodes: [
          { id: 'for', prompt: 'Yes?' },
          { id: 'both', needs: ['for'], prompt: 'So?' },
        ],
      }
      const accepted = await stage.hub.post('/v1/intents', { scroll })
      const { id } = (await accepted.json()) as { id: string }
      const [scout] = stage.hub.hub.engine.scouts()
      const visitor = await (await stage.context({ theme, width })).newPage()
      await visitor.goto(stage.hub.url)
      const page = await stage.signedIn(stage.hub.adminKey, { theme, width })
      const daily = ['overview', 'connect', 'connect/scout', 'playground', 'playground/scroll', 'intents']
      const paths = [...daily, 'scouts', 'keys', 'keys?make=client', 'usage', 'admin', 'admin/settings', 'admin/audit']
      const more = [`intents/${id}`, `scouts/${scout!.id}`, 'keys?of=all']
      const flaws: string[] = []
      for (const path of ['welcome', 'sign-in', 'connect/scout']) flaws.push(...(await flawsOf(visitor, path)))
      for (const path of [...paths, ...more]) flaws.push(...(await flawsOf(page, path)))
      expect(flaws).toEqual([])
    })
  })
})
