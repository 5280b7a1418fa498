/** The page when something goes wrong or changes under it: feeds that are lost, sessions that end, other hands. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { patienceMs } from '../support/clocks/until.ts'
import { installMsMax } from '../support/machine/apt.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { PageStage } from './page-stage.ts'

const found = await findChromium()
const skipped = 'reason' in found ? ` (skipped: ${found.reason})` : ''
const root = { id: 'console', address: '' }

describe.skipIf('reason' in found)(`the page${skipped}`, () => {
  let stage: PageStage
  beforeAll(async () => {
    stage = await PageStage.open((found as { path: string }).path)
    await stage.hub.addScout({ name: 'ant' })
  }, installMsMax)
  afterAll(() => stage?.close())
  afterEach(() => stage.closePages())

  const well = (page: Page) => page.getByText(/^All is well/).waitFor({ timeout: patienceMs })
  const lost = (page: Page) => page.getByText('The connection to the orchestrator is lost')

  function link(): string {
    const made = stage.hub.hub.accounts.links.make(null, root)
    if ('code' in made) throw new Error(made.message)
    return `${stage.hub.url}/#login=${made.token}`
  }

  test('uses a login link that is opened where the page is already, and leaves no trace of it', async () => {
    const page = await (await stage.context()).newPage()
    await page.goto(stage.hub.url)
    await page.getByRole('link', { name: 'Use the API' }).waitFor({ timeout: patienceMs })
    await page.goto(link())
    await well(page)
    expect(await page.evaluate('location.href')).toBe(`${stage.hub.url}/#overview`)
  })

  test('asks to sign in again when its session ends at the hub, and leads back', async () => {
    const { key, row } = stage.hub.hub.keyring.issue('client', 'passing')
    const page = await stage.signedIn(key)
    await well(page)
    stage.hub.hub.keyring.revoke(row.id)
    await page.getByLabel('Key').fill(stage.hub.clientKey, { timeout: patienceMs })
    await page.getByRole('button', { name: 'Sign in with the key' }).click()
    await well(page)
  })

  test('says that its figures are old while its feed is lost, and no longer than that', async () => {
    const page = await stage.signedIn(stage.hub.clientKey)
    await well(page)
    const context = page.context()
    await context.route('**/v1/live*', (route) => route.abort())
    await page.getByRole('link', { name: 'Connect', exact: true }).click()
    await lost(page).waitFor({ timeout: patienceMs })
    await page.getByRole('link', { name: 'Usage', exact: true }).click()
    await lost(page).waitFor({ state: 'detached', timeout: patienceMs })
    await page.getByRole('link', { name: 'Overview', exact: true }).click()
    await lost(page).waitFor({ timeout: patienceMs })
    await context.unroute('**/v1/live*')
    // As many feeds as there may be: it polls, and that counts as well.
    await context.route('**/v1/live*', (route) => {
      const isFeed = route.request().headers().accept?.includes('text/event-stream')
      return isFeed ? route.fulfill({ status: 429, json: { error: { message: 'enough' } } }) : route.continue()
    })
    await lost(page).waitFor({ state: 'detached', timeout: patienceMs })
  })

  test('takes up its feed anew when nothing comes over it any more', async () => {
    const page = await stage.signedIn(stage.hub.clientKey)
    await well(page)
    await page.clock.install()
    await page.getByRole('link', { name: 'Connect', exact: true }).click()
    await page.getByText('Waiting for your first request…').waitFor({ timeout: patienceMs })
    const again = page.waitForRequest((request) => request.url().includes('/v1/live'), { timeout: patienceMs })
    await page.clock.fastForward(20_000)
    await page.clock.fastForward(2_000)
    await again
  })

  test('tells everybody when the orchestrator takes no requests', async () => {
    const page = await stage.signedIn(stage.hub.clientKey)
    await well(page)
    const hub = { ready: false, scouts: 1, models: 3, queued: 0, leased: 0, credits: 0 }
    await page.route('**/v1/live*', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: `event: hub\ndata: ${JSON.stringify(hub)}\n\n` }),
    )
    await page.getByRole('link', { name: 'Usage', exact: true }).click()
    await page.getByRole('link', { name: 'Overview', exact: true }).click()
    await page.getByText('The orchestrator takes no new requests').waitFor({ timeout: patienceMs })
  })

  test('shows a key as it is once it was refused to change it', async () => {
    const { keyring } = stage.hub.hub
    const { row } = keyring.issue('client', 'shared')
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'keys')
    const shown = page.getByRole('row', { name: /shared/ })
    await shown.waitFor({ timeout: patienceMs })
    const made = keyring.regenerate(row.id, 1)
    if (typeof made === 'string') throw new Error(made)
    await shown.getByRole('button', { name: 'Revoke' }).waitFor()
    await shown.getByRole('button', { name: 'Regenerate' }).click()
    const dialog = page.getByRole('dialog', { name: 'Regenerate this key?' })
    await dialog.getByRole('button', { name: 'Regenerate' }).click()
    await dialog.getByText('The key changed meanwhile: look again.').waitFor({ timeout: patienceMs })
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await shown.getByText(made.key.slice(-4)).waitFor({ timeout: patienceMs })
  })

  test('opens a run that failed at the node where it did, which can be tried again', async () => {
    const scroll = {
      nodes: [
        { id: 'fine', prompt: 'Yes?' },
        { id: 'broken', model: 'no-such-model', prompt: 'No?' },
        { id: 'after', needs: ['fine', 'broken'], prompt: 'So?' },
      ],
    }
    const accepted = await stage.hub.post('/v1/intents', { scroll, deadline_ms: 1_000 })
    const { id } = (await accepted.json()) as { id: string }
    const page = await stage.signedIn(stage.hub.clientKey, {}, `intents/${id}`)
    await page.locator('.run .panel h2', { hasText: /^broken$/ }).waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'Try again' }).waitFor({ timeout: patienceMs })
  })

  test('says what it could not find out, instead of taking its reader for a stranger', async () => {
    const context = await stage.context()
    await context.route('**/v1/auth', (route) => route.fulfill({ status: 503, json: {} }))
    const page = await context.newPage()
    await page.goto(stage.hub.url)
    await page.getByRole('alert').waitFor({ timeout: patienceMs })
    await context.unroute('**/v1/auth')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: 'Use the API' }).waitFor({ timeout: patienceMs })
  })

  test('shows an operator whose each key is, and the keys and the usage of everybody', async () => {
    const made = stage.hub.hub.accounts.makeAccount(
      { name: 'Grace', address: null, role: 'member', limits: null },
      root,
    )
    if ('code' in made) throw new Error(made.message)
    const { key } = stage.hub.hub.keyring.issue('client', 'telescope', { account: made.id })
    stage.hub.hub.keyring.issue('client', 'of nobody')
    const headers = { authorization: `Bearer ${key}` }
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'Say hello' }] }
    await (await stage.hub.post('/v1/chat/completions', chat, { headers })).text()
    const page = await (await stage.context()).newPage()
    await page.goto(link())
    await well(page)
    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    await page.getByRole('button', { name: 'All', exact: true }).click()
    await page.getByRole('row', { name: /telescope.*Grace/ }).waitFor({ timeout: patienceMs })
    await page.getByRole('row', { name: /of nobody.*nobody/ }).waitFor({ timeout: patienceMs })
    await page.getByRole('link', { name: 'Grace' }).first().click()
    await page.getByRole('row', { name: /of nobody/ }).waitFor({ state: 'detached', timeout: patienceMs })
    await page.getByRole('button', { name: /^owner: Grace/ }).click()
    await page.getByRole('row', { name: /of nobody/ }).waitFor({ timeout: patienceMs })
    await page.getByRole('link', { name: 'Usage', exact: true }).click()
    await page.getByText('No requests in this period.').waitFor({ timeout: patienceMs })
    await page.getByRole('button', { name: 'All', exact: true }).click()
    await page.getByRole('button', { name: 'By account' }).click()
    await page.getByRole('button', { name: 'Grace' }).click()
    await page.getByRole('button', { name: /^account: Grace/ }).waitFor({ timeout: patienceMs })
  })

  test('changes of an account what its form has, and nothing else', async () => {
    const { accounts } = stage.hub.hub
    const budgets = [{ unit: 'tokens', per: 'day', amount: 7 }]
    const limits = JSON.stringify({ requestsPerMinute: 5, tokensPerMinute: 9, budgets })
    const made = accounts.makeAccount({ name: 'Lovelace', address: null, role: 'admin', limits }, root)
    if ('code' in made) throw new Error(made.message)
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'admin/accounts')
    await page
      .getByRole('row', { name: /Lovelace/ })
      .getByRole('button', { name: 'Edit' })
      .click({ timeout: patienceMs })
    const dialog = page.getByRole('dialog', { name: 'Account' })
    await dialog.getByLabel('Dollars a month').fill('40')
    await dialog.getByLabel('Requests a minute').fill('')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached', timeout: patienceMs })
    expect(accounts.account(made.id)).toMatchObject({ name: 'Lovelace', role: 'admin' })
    expect(JSON.parse(accounts.account(made.id)!.limits!)).toEqual({
      requestsPerMinute: null,
      tokensPerMinute: 9,
      budgets: expect.arrayContaining([budgets[0], { unit: 'micro_dollars', per: 'month', amount: 40_000_000 }]),
    })
  })

  test('shows the setting that holds, and the one that was saved', async () => {
    stage.hub.hub.accounts.setSignup('approve', root)
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'admin/settings')
    const choice = page.getByLabel('New accounts')
    await choice.waitFor({ timeout: patienceMs })
    expect(await choice.inputValue()).toBe('approve')
    await choice.selectOption('open')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor({ timeout: patienceMs })
    expect(stage.hub.hub.accounts.signup()).toBe('open')
    expect(await choice.inputValue()).toBe('open')
  })

  test('tells an operator who waits to be let in, until nobody does', async () => {
    const { accounts } = stage.hub.hub
    const made = accounts.makeAccount({ name: 'Newcomer', address: null, role: 'member', limits: null }, root)
    if ('code' in made) throw new Error(made.message)
    accounts.changeAccount(made.id, { state: 'waiting' }, root)
    const page = await stage.signedIn(stage.hub.adminKey)
    await page.getByText('1 account waits to be let in.').waitFor({ timeout: patienceMs })
    await page.getByRole('link', { name: 'See who' }).click()
    await page
      .getByRole('row', { name: /Newcomer/ })
      .getByRole('button', { name: 'Approve' })
      .click()
    await page.getByText('No account is waiting.').waitFor({ timeout: patienceMs })
    expect(accounts.account(made.id)?.state).toBe('active')
  })

  test('suspends an account once it was asked whether it should', async () => {
    const { accounts } = stage.hub.hub
    const made = accounts.makeAccount({ name: 'Hypatia', address: null, role: 'member', limits: null }, root)
    if ('code' in made) throw new Error(made.message)
    const page = await stage.signedIn(stage.hub.adminKey, {}, 'admin/accounts')
    const row = page.getByRole('row', { name: /Hypatia/ })
    const dialog = page.getByRole('dialog', { name: 'Suspend this account?' })
    await row.getByRole('button', { name: 'Suspend' }).click({ timeout: patienceMs })
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(accounts.account(made.id)?.state).toBe('active')
    await row.getByRole('button', { name: 'Suspend' }).click()
    await dialog.getByRole('button', { name: 'Suspend' }).click()
    await row.getByRole('button', { name: 'Reinstate' }).click({ timeout: patienceMs })
    await row.getByRole('button', { name: 'Suspend' }).waitFor({ timeout: patienceMs })
    expect(accounts.account(made.id)?.state).toBe('active')
  })
})
