/** The first 30 seconds of people with a wallet, in a real Chromium: how often they click, sign and paste. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patienceMs } from '../support/clocks/until.ts'
import { findChromium, installMsMax } from '../support/machine/chromium.ts'
import { FakeWallet } from './fake-wallet.ts'
import { PageStage } from './page-stage.ts'

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

  async function signedIn(path: string): Promise<Page> {
    const context = await stage.context()
    await wallet.install(context)
    const page = await context.newPage()
    await page.goto(`${stage.hub.url}/#${path}`)
    await page.getByRole('button', { name: 'Sign in with Test wallet' }).click()
    await page.locator('.account').waitFor({ timeout: patienceMs })
    return page
  }

  test('sign in, make a key, and see the first request answered with it', async () => {
    await stage.hub.addScout({ name: 'ant' })
    const page = await signedIn('connect/api')
    const signatures = wallet.signed.length
    await page.getByRole('link', { name: 'Make a key' }).click()
    await page.getByLabel('Name', { exact: false }).first().fill('laptop')
    await page.getByRole('button', { name: 'Sign and make it' }).click()
    const dialog = page.getByRole('dialog', { name: 'Save the key now' })
    const key = (await dialog.locator('pre').textContent({ timeout: patienceMs }))!
    expect(key).toMatch(/^chasm_client_/)
    expect(wallet.signed.slice(signatures)).toEqual([expect.stringContaining('laptop')])
    await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(true)
    await dialog.getByRole('button', { name: 'I saved it' }).click()
    await page.getByRole('link', { name: 'Connect' }).click()
    const line = (await page.locator('.code pre').last().textContent())!
    expect(line).toContain(key)
    await page.getByText('Waiting for your first request…').waitFor({ timeout: patienceMs })
    const child = Bun.spawn(['sh', '-c', line], { stdout: 'pipe', stderr: 'ignore' })
    expect(await new Response(child.stdout).text()).toContain('"chat.completion"')
    await page.locator('.arrival.arrived').waitFor({ timeout: patienceMs })
    await page.context().close()
  })

  test('make a key for a scout, and see it connect', async () => {
    const page = await signedIn('keys?make=scout')
    await page.getByLabel('Name', { exact: false }).first().fill('basement')
    await page.getByRole('button', { name: 'Sign and make it' }).click()
    const key = (await page.getByRole('dialog').locator('pre').textContent({ timeout: patienceMs }))!
    expect(key).toMatch(/^chasm_scout_/)
    await page.getByRole('button', { name: 'I saved it' }).click()
    await page.evaluate("location.hash = 'connect/scout'")
    await page.getByText('Waiting for the scout to dial in…').waitFor({ timeout: patienceMs })
    await stage.hub.spawnScout('bee', { SCOUT_KEY: key })
    await page.getByText('A scout has connected').waitFor({ timeout: patienceMs })
    await page.getByRole('link', { name: 'See what it offers' }).click()
    await page.getByRole('link', { name: 'bee' }).waitFor({ timeout: patienceMs })
    await page.context().close()
  })

  test('who decline are told that nothing happened', async () => {
    const context = await stage.context()
    await wallet.install(context)
    const page = await context.newPage()
    wallet.declines = true
    await page.goto(`${stage.hub.url}/#sign-in`)
    await page.getByRole('button', { name: 'Sign in with Test wallet' }).click()
    await page.getByText('You declined; nothing happened.').waitFor({ timeout: patienceMs })
    wallet.declines = false
    await context.close()
  })
})
