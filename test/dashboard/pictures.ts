/**
 * `npm run pictures`: makes the pictures of the page that the README shows, light and dark, from a real hub with demo
 * scouts under some load. With a folder as argument it makes one of every page there, `empty` and `full` unless one of
 * the two is named, at three widths and in both themes, for whoever works on the page.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { DemoSettings } from '../../scout/providers/demo/demo.ts'
import { findChromium } from '../support/machine/chromium.ts'
import { PageStage } from './page-stage.ts'

const themes = ['light', 'dark'] as const
const widths = [1440, 768, 360] as const
const paths = [
  ...['overview', 'connect', 'connect/scout', 'keys', 'usage', 'scouts', 'intents'],
  ...['playground', 'playground/scroll', 'admin', 'admin/settings', 'admin/audit'],
]
const settleMs = 400
const images = join(import.meta.dirname, '../../docs/images')

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
const stage = await PageStage.open(found.path)
try {
  const [folder, only = 'empty,full'] = process.argv.slice(2)
  if (folder !== undefined && only.includes('empty')) await everyPage(folder, 'empty')
  const intent = await fill()
  if (folder === undefined) await forReadme(intent)
  else if (only.includes('full')) await everyPage(folder, 'full', `intents/${intent}`)
} finally {
  await stage.close()
}

/** Scouts, traffic and a run to look at. Resolves with the id of the intent. */
async function fill(): Promise<string> {
  const { hub } = stage
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
  const accepted = await hub.post('/v1/intents', { scroll, metadata: { name: 'Report on tides' } })
  const { id } = (await accepted.json()) as { id: string }
  return id
}

async function forReadme(intent: string): Promise<void> {
  for (const theme of themes) {
    const page = await stage.signedIn(stage.hub.adminKey, { theme, width: 1280, height: 800 })
    await shoot(page, 'overview', join(images, `page-${theme}.png`), false)
    await shoot(page, `intents/${intent}`, join(images, `run-${theme}.png`), false)
    await page.context().close()
  }
}

async function everyPage(folder: string, state: string, ...more: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const theme of themes) {
    for (const width of widths) {
      const name = (path: string) => join(folder, `${path.replaceAll('/', '-')}-${state}-${width}-${theme}.png`)
      const view = { theme, width, height: width < 500 ? 780 : 900 }
      const visitor = await (await stage.context(view)).newPage()
      await visitor.goto(`${stage.hub.url}/`)
      await shoot(visitor, '', name('welcome'), true)
      await shoot(visitor, 'sign-in', name('sign-in'), true)
      await visitor.context().close()
      const page = await stage.signedIn(stage.hub.adminKey, view)
      for (const path of [...paths, ...more]) {
        await shoot(page, path, name(path.startsWith('intents/') ? 'run' : path), true)
      }
      await page.context().close()
    }
  }
}

async function shoot(page: Page, path: string, file: string, fullPage: boolean): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
  await page.waitForTimeout(settleMs)
  await page.screenshot({ path: file, fullPage, animations: 'disabled' })
}
