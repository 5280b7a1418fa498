/**
 * `npm run pictures`: makes the pictures that the README shows: the terminal of a start, and pages, light and dark, of
 * a real hub with demo scouts under some load. With a folder as argument it makes one of every page there, `empty` and
 * `full` unless one of the two is named, at three widths and in both themes, for whoever works on the page; a third one
 * leaves out all pages that do not have it in their address.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { DemoSettings } from '../../../scout/providers/demo/demo.ts'
import { patienceMs } from '../../support/clocks/until.ts'
import { Calendar, monthsAgo } from '../../support/ledger/calendar.ts'
import { findChromium } from '../../support/machine/chromium.ts'
import { PageStage } from '../page-stage.ts'
import { liveThePast } from './past.ts'
import { terminalPicture } from './terminal-picture.ts'

const themes = ['light', 'dark'] as const
const widths = [1440, 768, 360] as const
const paths = [
  ...['overview', 'connect', 'connect/scout', 'keys', 'keys?make=client', 'usage', 'usage?by=key', 'scouts'],
  ...['intents', 'playground', 'playground/scroll', 'admin', 'admin/settings', 'admin/audit'],
  ...['points', 'points/leaderboard', 'points/seasons', 'account', 'scouts/trust'],
]
/** Of who runs scouts: an operator's pages show others than its own. */
const ownPaths = ['points', 'points?by=scout', 'points/leaderboard', 'account', 'scouts/trust']
/** For what moves although nothing is fetched any more. */
const settleMs = 250
const images = join(import.meta.dirname, '../../../docs/images')

const scroll = {
  nodes: [
    { id: 'outline', prompt: 'Outline a short report on tides.' },
    { id: 'physics', needs: ['outline'], prompt: 'Write the part on physics.' },
    { id: 'coasts', needs: ['outline'], prompt: 'Write the part on coasts.' },
    { id: 'energy', needs: ['outline'], prompt: 'Write the part on energy.' },
    { id: 'report', needs: ['physics', 'coasts', 'energy'], prompt: 'Join the parts.' },
  ],
}

const found = await findChromium()
if ('reason' in found) throw new Error(found.reason)
const [folder, only = 'empty,full', part = ''] = process.argv.slice(2)
if (folder !== undefined && only.includes('empty')) {
  const empty = await PageStage.open(found.path)
  await everyPage(empty, folder, 'empty', []).finally(() => empty.close())
}
const calendar = new Calendar()
calendar.set(monthsAgo(2))
const stage = await PageStage.open(found.path, { system: calendar.system })
try {
  const { season, intent } = await fill()
  if (folder === undefined) await forReadme(intent)
  else if (only.includes('full')) {
    const [scout] = stage.hub.hub.engine.scouts()
    await everyPage(stage, folder, 'full', [`intents/${intent}`, `scouts/${scout!.id}`, `points/seasons/${season}`])
  }
} finally {
  await stage.close()
}

/** Months of points, scouts, traffic and a run to look at. Resolves with the id of the intent. */
async function fill(): Promise<{ season: string; intent: string }> {
  const { hub } = stage
  const owner = hub.hub.keyring.list().find(({ role }) => role === 'scout')!.tenant
  const { season } = await liveThePast(hub, calendar, owner)
  const demos: [string, Partial<DemoSettings>][] = [
    ['atlas', { firstTokenMs: 40, tokensPerSecond: 220 }],
    ['basalt', { firstTokenMs: 90, tokensPerSecond: 120 }],
    ['cedar', { firstTokenMs: 160, tokensPerSecond: 60 }],
  ]
  for (const [name, demo] of demos) await hub.addScout({ name, demo })
  const chat = (at: number) =>
    hub.post('/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content: `Say hello ${at}` }] })
  for (let round = 0; round < 12; round++) {
    await Promise.all(
      Array.from({ length: 3 + ((round * 5) % 7) }, (_, at) => chat(at).then((answer) => answer.text())),
    )
    await hub.post('/v1/chat/completions', { model: 'no-such-model', messages: [] }).then((answer) => answer.text())
  }
  await owners()
  past()
  const accepted = await hub.post('/v1/intents', { scroll, metadata: { name: 'Report on tides' } })
  const { id } = (await accepted.json()) as { id: string }
  return { season, intent: id }
}

/** Accounts and keys of all kinds, with names as long as people make them. */
async function owners(): Promise<void> {
  const admin = (path: string, body: object) =>
    stage.hub.post(path, body, { headers: { authorization: `Bearer ${stage.hub.adminKey}` } })
  const month = { budgets: [{ unit: 'usd', per: 'month', amount: 40 }], requests_per_minute: 600 }
  const accounts = [
    { name: 'Ada', address: '0x52908400098527886E0F7030069857D2E4169EE7', role: 'admin' },
    { name: 'Observatory of the northern coast', limits: month },
    { name: 'Grace', address: '0x8617E340B3D01FA5F11F306F4090FD50E238070D' },
  ]
  for (const account of accounts) await admin('/v1/admin/accounts', account)
  const day = { budgets: [{ unit: 'usd', per: 'day', amount: 5 }] }
  const keys = [
    { role: 'client', name: 'Notebook', limits: day, scopes: { models: ['demo-*'] } },
    { role: 'scout', name: 'Workstation under the desk in the back office' },
    { role: 'client', name: 'Nightly reports', expires: Math.floor(Date.now() / 1_000) + 30 * 86_400 },
    { role: 'admin', name: 'Operator' },
  ]
  for (const key of keys) await admin('/v1/admin/keys', key)
}

/** What was used and served on the days before. */
function past(): void {
  const { engine, keyring } = stage.hub.hub
  const today = Math.floor(Date.now() / 86_400_000)
  const payers = keyring.list().filter(({ role }) => role === 'client')
  for (let back = 1; back < 30; back++) {
    const busy = 1 + Math.abs(Math.sin(back / 3)) * 4
    for (const [at, { id: key, tenant }] of payers.entries()) {
      const tasks = Math.round(busy * (90 - at * 30))
      const tokens = { promptTokens: tasks * 410, completionTokens: tasks * 260, microDollars: tasks * 455 }
      const counts = { tasks, failed: Math.round(tasks / 70), estimated: 0, ...tokens }
      const tally = { hour: (today - back) * 24, tenant, key, model: ['demo-large', 'demo-small'][at % 2]!, ...counts }
      engine.journal.lazily({ write: 'tally', tally })
    }
    for (const { id: scout } of engine.scouts()) {
      const done = Math.round(busy * 40)
      const served = { day: today - back, done, failed: back % 9 === 0 ? 3 : 0, tokens: done * 270, busyMs: done * 900 }
      engine.journal.lazily({ write: 'served', scout, served })
    }
  }
}

async function forReadme(intent: string): Promise<void> {
  writeFileSync(join(images, 'start.svg'), terminalPicture())
  for (const theme of themes) {
    const page = await stage.signedIn(stage.hub.adminKey, { theme, width: 1280, height: 800 })
    await shoot(page, 'overview', join(images, `page-${theme}.png`), false)
    await shoot(page, `intents/${intent}`, join(images, `run-${theme}.png`), false)
    await page.context().close()
  }
}

async function everyPage(of: PageStage, folder: string, state: string, more: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const isWanted = (path: string) => path.includes(part)
  const nameOf = (path: string) => (/^(intents|scouts)\/.*[/_]/.test(path) ? path.replace(/s\/.*/, '') : path)
  for (const theme of themes) {
    for (const width of widths) {
      const name = (path: string) => join(folder, `${path.replaceAll(/[/?=]/g, '-')}-${state}-${width}-${theme}.png`)
      const view = { theme, width, height: width < 500 ? 780 : 900 }
      const visitor = await (await of.context(view)).newPage()
      await visitor.goto(`${of.hub.url}/`)
      for (const path of ['welcome', 'sign-in']) if (isWanted(path)) await shoot(visitor, path, name(path), true)
      await visitor.context().close()
      const page = await of.signedIn(of.hub.adminKey, view)
      for (const path of [...paths, ...more].filter(isWanted)) await shoot(page, path, name(nameOf(path)), true)
      if (state === 'full' && isWanted('chat')) await shootChat(page, name('chat'))
      await page.context().close()
      const own = await of.signedIn(of.hub.scoutKey, view)
      for (const path of [...ownPaths, ...more.filter((path) => path.startsWith('points/'))].filter(isWanted)) {
        await shoot(own, path, name(`own-${nameOf(path)}`), true)
      }
      await own.context().close()
    }
  }
}

async function shoot(page: Page, path: string, file: string, fullPage: boolean): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
  await page.locator('main h1').first().waitFor({ timeout: patienceMs })
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached', timeout: patienceMs })
  if (path.startsWith('intents/')) await page.locator('.run .answer').waitFor({ timeout: patienceMs })
  if (path === 'overview') await page.locator('.chart .uplot').first().waitFor({ timeout: patienceMs })
  await page.waitForTimeout(settleMs)
  await page.screenshot({ path: file, fullPage, animations: 'disabled' })
}

/** A conversation, which nothing but the page itself has. */
async function shootChat(page: Page, file: string): Promise<void> {
  await page.evaluate(`location.hash = 'playground'`)
  await page.getByLabel('Message').fill('Why are there two tides a day?', { timeout: patienceMs })
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Stop' }).waitFor({ timeout: patienceMs })
  await page.getByRole('button', { name: 'Send' }).waitFor({ timeout: patienceMs })
  await page.getByRole('button', { name: 'Show as code' }).click()
  await page.screenshot({ path: file, fullPage: true, animations: 'disabled' })
}
