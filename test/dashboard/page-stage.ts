/**
 * A real hub that serves the real page, and a real browser in front of it: what the page's tests and pictures start
 * from. The page is bundled once for a process, by the program that the hub itself uses.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type Cookie, chromium, type Page } from 'playwright-core'
import type { Network } from '../../orchestrator/cluster/network.ts'
import { bundlePage } from '../../orchestrator/dashboard/bundle.ts'
import { PageFiles } from '../../orchestrator/dashboard/page-files.ts'
import { realSystem, type System } from '../../shared/system.ts'
import { patienceMs } from '../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../support/hub/live-hub.ts'

const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

interface View {
  width?: number
  height?: number
  theme?: 'light' | 'dark'
}

interface StageOptions {
  system?: System
  points?: 'off' | 'spend'
  network?: Network
}

export class PageStage {
  /** Of the sessions that were begun, by the key. */
  private readonly cookies = new Map<string, Cookie[]>()

  private constructor(
    readonly hub: LiveHub,
    readonly browser: Browser,
    private readonly folder: string,
  ) {}

  /** For commands beside the running hub. */
  get dataDir(): string {
    return join(this.folder, 'data')
  }

  /** `system`: the hub's, when a test has to bend it. */
  static async open(executablePath: string, { system, points, network }: StageOptions = {}): Promise<PageStage> {
    const folder = mkdtempSync(join(tmpdir(), 'chasm-page-test-'))
    const built = join(folder, 'page')
    await bundlePage(built)
    const page = new PageFiles({ system: realSystem(), built })
    const config = { ...quietConfig(join(folder, 'data')), ...(points && { points }) }
    const hub = new LiveHub({ page, config, ...(system && { system }), ...(network && { network }) })
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    return new PageStage(hub, browser, folder)
  }

  context({ width = 1440, height = 900, theme = 'light' }: View = {}): Promise<BrowserContext> {
    const viewport = { width, height }
    return this.browser.newContext({ viewport, colorScheme: theme, reducedMotion: 'reduce', locale: 'en-GB' })
  }

  /** A page of its own, in the session of this key; signing in is limited, so that it is done once. */
  async signedIn(key: string, view: View = {}, path = 'overview'): Promise<Page> {
    const { cookies } = this
    const known = cookies.get(key)
    const context = await this.context(view)
    if (known !== undefined) await context.addCookies(known)
    const page = await context.newPage()
    await page.goto(`${this.hub.url}/#${path}`)
    if (known === undefined) {
      await signIn(page, key)
      cookies.set(key, await context.cookies())
    }
    await page.locator('.account').waitFor({ state: 'attached' })
    return page
  }

  /** Between two tests. */
  async closePages(): Promise<void> {
    for (const context of this.browser.contexts()) await context.close()
  }

  async close(): Promise<void> {
    await this.browser.close()
    await this.hub.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Goes to a page of it and waits until that has what it fetches. */
export async function openPage(page: Page, path: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
  await page.locator('main h1, main .verdict').first().waitFor({ timeout: patienceMs })
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached', timeout: patienceMs })
}

/** What axe finds on a page, and by how much that is wider than its window. */
export async function flawsOf(page: Page, path: string): Promise<string[]> {
  await openPage(page, path)
  if (path.startsWith('intents/')) await page.locator('.run .answer').waitFor({ timeout: patienceMs })
  await page.evaluate(axe)
  const violations = await page.evaluate<string[]>(`axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).join(' | ')))`)
  const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
  const tooWide = overflow === 0 ? [] : [`${overflow} pixels too wide`]
  return [...violations, ...tooWide].map((flaw) => `${path}: ${flaw}`)
}

/** Presses Tab until what has this name has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    const label = await page.evaluate(`(() => {
      const one = document.activeElement
      return one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent
    })()`)
    if (String(label).trim().startsWith(name)) return
  }
  throw new Error(`${name} cannot be reached by keyboard`)
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('Key').fill(key)
  await page.getByRole('button', { name: 'Sign in with the key' }).click()
  // On small screens it is behind the menu.
  await page.locator('.account').waitFor({ state: 'attached' })
}
