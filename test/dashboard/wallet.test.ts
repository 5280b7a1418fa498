/** The first 30 seconds of people with a wallet, in a real Chromium: how often they click, sign and paste. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patienceMs } from '../support/clocks/until.ts'
import { installMsMax } from '../support/machine/apt.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { FakeWallet } from './fake-wallet.ts'
import { PageStage, tabTo } from './page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''

describe.skipIf('reason' in found)(`people with a wallet${skipped}`, () => {
  let stage: PageStage
  let wallet: FakeWallet
  beforeAll(async () => {
    stage = await PageStage.open((found as { path: string }).path)
    wallet = new FakeWallet()
    const made = await admin('/v1/admin/accounts', { name: 'Ada', address: wallet.address })
    expect(made.status).toBe(201)
  }, installMsMax)
  afterAll(() => stage?.close())

  function admin(path: string, body: object): Promise<Response> {
    return stage.hub.post(path, body, { headers: { authorization: `Bearer ${stage.hub.adminKey}` } })
  }

  async function visitor(path: string): Promise<Page> {
    const context = await stage.context()
    await wallet.install(context)
    const page = await context.newPage()
    await page.addInitScript(`window.clicks = 0; addEventListener('click', () => window.clicks++, true)`)
    await page.goto(`${stage.hub.url}/${path}`)
    return page
  }

  /** What people had to click since they opened the page. */
  const clicks = (page: Page) => page.evaluate<number>('window.clicks')

  test('use the API: three clicks, one signature and one paste to the first answer', async () => {
    await stage.hub.addScout({ name: 'ant' })
    const signatures = wallet.signed.length
    const page = await visitor('')
    await page.getByRole('link', { name: 'Use the API' }).click()
    await page.getByRole('button', { name: 'Get a key with Test wallet' }).click()
    await page.getByText('Waiting for your first request…').waitFor({ timeout: patienceMs })
    expect(wallet.signed.slice(signatures)).toEqual([expect.stringContaining('127.0.0.1')])
    const line = (await page.locator('.code pre').last().textContent())!
    expect(line).toMatch(/Bearer chasm_client_\w+/)
    await page.getByRole('button', { name: 'Copy curl' }).click()
    const child = Bun.spawn(['sh', '-c', line], { stdout: 'pipe', stderr: 'ignore' })
    expect(await new Response(child.stdout).text()).toContain('"chat.completion"')
    await page.locator('.arrival.arrived').waitFor({ timeout: patienceMs })
    expect(await clicks(page)).toBe(3)
    await page.context().close()
  })

  test('the same by keyboard alone', async () => {
    const page = await visitor('')
    await page.getByRole('link', { name: 'Use the API' }).waitFor({ timeout: patienceMs })
    const press = async (name: string) => {
      await tabTo(page, name)
      await page.keyboard.press('Enter')
    }
    await press('Use the API')
    await page.getByRole('button', { name: 'Get a key with Test wallet' }).waitFor({ timeout: patienceMs })
    await press('Get a key with Test wallet')
    await page.getByText('Waiting for your first request…').waitFor({ timeout: patienceMs })
    await press('Copy curl')
    await page.getByText('Copied', { exact: true }).waitFor({ state: 'attached', timeout: patienceMs })
    await page.context().close()
  })

  test('run a scout: the same to "is connected, offers …"', async () => {
    const signatures = wallet.signed.length
    const page = await visitor('')
    await page.getByRole('link', { name: 'Run a scout' }).click()
    await page.getByRole('button', { name: 'Get a key with Test wallet' }).click()
    await page.getByText('Waiting for the scout to dial in…').waitFor({ timeout: patienceMs })
    expect(wallet.signed).toHaveLength(signatures + 1)
    const key = /SCOUT_KEY=(\S+)/.exec((await page.locator('.code pre').last().textContent())!)![1]!
    await page.getByRole('button', { name: 'Copy From source' }).click()
    await stage.hub.spawnScout('alice', { SCOUT_KEY: key })
    await page.getByText(/alice is connected, offers demo-\w+/).waitFor({ timeout: patienceMs })
    expect(await clicks(page)).toBe(3)
    await page.context().close()
  })

  test('sign in, make a key with a name, and see it once, until they say that they saved it', async () => {
    const page = await visitor('#keys?make=client')
    const signatures = wallet.signed.length
    await page.getByRole('button', { name: 'Sign in with Test wallet' }).click()
    await page.getByLabel('Name', { exact: false }).first().waitFor({ timeout: patienceMs })
    await page.reload()
    await page.getByLabel('Name', { exact: false }).first().fill('laptop')
    await page.getByRole('button', { name: 'Sign and make it' }).click()
    const dialog = page.getByRole('dialog', { name: 'Save the key now' })
    expect(await dialog.locator('pre').textContent({ timeout: patienceMs })).toMatch(/^chasm_client_/)
    const [signIn, makeKey] = ['Sign in to this Chasm hub.', 'Make a client key of this account.']
    expect(wallet.signed.slice(signatures)).toEqual([
      expect.stringContaining(signIn!),
      expect.stringContaining(makeKey!),
    ])
    // Browsers close a dialog at the second one, whatever it says.
    for (let presses = 0; presses < 4; presses++) await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(true)
    await dialog.getByRole('button', { name: 'I saved it' }).click()
    await page.getByRole('row', { name: /laptop/ }).waitFor({ timeout: patienceMs })
    await page.context().close()
  })

  test('whose wallet calls itself what it likes are shown that as text, and no image of another host', async () => {
    const context = await stage.context()
    const odd = '<img src=x onerror="window.broken=1">\u202Egnp'
    await wallet.install(context, odd)
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${stage.hub.url}/#sign-in`)
    const button = page.getByRole('button', { name: /^Sign in with <img src=x/ })
    await button.waitFor({ timeout: patienceMs })
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(await page.locator('main img').count()).toBe(1)
    expect(asked.filter((url) => !url.startsWith(stage.hub.url) && !url.startsWith('data:'))).toEqual([])
    await context.close()
  })

  test.each([
    [4001, 'You declined; nothing happened.'],
    [-32002, 'Your wallet is waiting: open it.'],
    [-32603, 'The wallet could not do this: of no use here'],
  ])('whose wallet answers with %i hear what that means', async (code, sentence) => {
    wallet.refuses = { code, message: 'of no use here' }
    const page = await visitor('#sign-in')
    await page.getByRole('button', { name: 'Sign in with Test wallet' }).click()
    await page.getByText(sentence).waitFor({ timeout: patienceMs })
    wallet.refuses = null
    await page.context().close()
  })

  test('or without one, are told what they can do', async () => {
    const page = await (await stage.context()).newPage()
    await page.goto(`${stage.hub.url}/#sign-in`)
    await page.getByText(/^No wallet here: install one, use your wallet’s own browser, or paste a key/).waitFor({
      timeout: patienceMs,
    })
    await page.context().close()
  })
})
