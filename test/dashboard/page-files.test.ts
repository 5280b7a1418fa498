/** The page's files over HTTP: what they weigh, what their headers forbid, and what becomes of a page that breaks. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundlePage } from '../../orchestrator/dashboard/bundle.ts'
import { PageFiles } from '../../orchestrator/dashboard/page-files.ts'
import { bundleRetryMs } from '../../shared/limits/http.ts'
import { realSystem } from '../../shared/system.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { LiveHub } from '../support/hub/live-hub.ts'

const KiB = 1024
const html = { headers: { accept: 'text/html,application/xhtml+xml', 'accept-encoding': 'gzip' } }

let folder: string
let built: string
let live: LiveHub
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chasm-page-test-'))
  built = join(folder, 'page')
  await bundlePage(built)
  live = new LiveHub({ page: new PageFiles({ system: realSystem(), built }) })
})
afterAll(async () => {
  await live.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Bytes of these files as they would travel. */
function weight(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + gzipSync(readFileSync(join(built, name)), { level: 9 }).length, 0)
}

const plainNames = () => readdirSync(built).filter((name) => !/\.(br|gz)$/.test(name))
const named = (text: string) => [...text.matchAll(/\/page\/([\w.-]+)/g)].map(([, name]) => name!)

describe('the page', () => {
  test('is given to browsers, and a text to everybody else', async () => {
    const page = await fetch(live.url, html)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('<div id="page">')
    const text = await fetch(live.url, { headers: { accept: '*/*' } })
    expect([text.headers.get('content-type'), await text.text()]).toEqual([
      expect.stringContaining('text/plain'),
      expect.stringContaining('POST /v1/chat/completions'),
    ])
  })

  test('takes at most 60 KiB and three files before it asks for anything, and 120 KiB in all', async () => {
    const text = await (await fetch(live.url, html)).text()
    const first = ['index.html', ...named(text)]
    const loaded = named(readFileSync(join(built, named(text).find((name) => name.endsWith('.js'))!), 'utf8'))
    const statics = loaded.filter((name) => /^index-/.test(name))
    expect(first).toHaveLength(3)
    expect(weight([...first, ...statics])).toBeLessThan(60 * KiB)
    expect(weight(plainNames())).toBeLessThan(120 * KiB)
  })

  test('may run its own scripts and styles only, load nothing of others, and stand in no frame', async () => {
    const response = await fetch(live.url, html)
    const policy = response.headers.get('content-security-policy')!
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(part)
    }
    expect(policy).not.toContain('unsafe')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(await response.text()).not.toMatch(/<style|style=|<script>|\son\w+=/)
  })

  test('has files that are kept for ever, compressed as the browser likes it', async () => {
    const [name] = named(await (await fetch(live.url, html)).text())
    const file = await fetch(`${live.url}/page/${name}`, {
      headers: { 'accept-encoding': 'br' },
      decompress: false,
    } as RequestInit)
    expect(file.headers.get('cache-control')).toContain('immutable')
    expect(file.headers.get('content-encoding')).toBe('br')
    const plain = await fetch(`${live.url}/page/${name}`, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(Buffer.from(await plain.arrayBuffer())).toEqual(readFileSync(join(built, name!)))
  })

  test.each(['nothing.js', '../config.ts', '..%2fconfig.ts', 'index.html', '__proto__'])(
    'has no file %s',
    async (name) => {
      const response = await fetch(`${live.url}/page/${name}`)
      expect(response.status).toBe(404)
    },
  )
})

describe('a page that cannot be bundled', () => {
  const failing = (text: string) => ['sh', '-c', `echo '${text}' >&2; exit 1`]
  const missing = join(tmpdir(), 'no-such-folder')

  test('says why, as text, and takes nothing else along', async () => {
    const page = new PageFiles({ system: realSystem(), built: missing, bundler: failing('<b>Could not resolve</b>') })
    const broken = new LiveHub({ page })
    try {
      const response = await fetch(broken.url, html)
      expect(response.status).toBe(503)
      expect(await response.text()).toContain('&lt;b&gt;Could not resolve&lt;/b&gt;')
      expect((await fetch(`${broken.url}/readyz`)).status).toBe(200)
    } finally {
      await broken.close()
    }
  })

  test('is tried again by a later request', async () => {
    const system = new ManualSystem()
    const marker = join(mkdtempSync(join(tmpdir(), 'chasm-page-marker-')), 'runs')
    const bundler = ['sh', '-c', `echo x >> ${marker}; exit 1`]
    const page = new PageFiles({ system, built: missing, bundler })
    const runs = () => readFileSync(marker, 'utf8').trim().split('\n').length
    expect((await page.file('', ''))?.status).toBe(503)
    expect((await page.file('', ''))?.status).toBe(503)
    expect(runs()).toBe(1)
    system.pass(bundleRetryMs)
    expect((await page.file('', ''))?.status).toBe(503)
    expect(runs()).toBe(2)
    rmSync(join(marker, '..'), { recursive: true, force: true })
  })

  test('is one that says why also where the bundler cannot be started at all', async () => {
    const page = new PageFiles({ system: realSystem(), built: missing, bundler: [join(missing, 'bundler')] })
    page.start()
    const shown = await page.file('', '')
    expect([shown?.status, Buffer.from(shown!.body).toString()]).toEqual([503, expect.stringContaining('ENOENT')])
  })

  test('leaves nothing behind when its hub is killed, and what others left goes with the next bundling', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'chasm-page-test-'))
    const halfway = join(temporary, 'page')
    const program = join(import.meta.dirname, '../../orchestrator/dashboard/bundle.ts')
    const child = Bun.spawn([process.execPath, program, halfway, 'attached'], { stdin: 'pipe', stderr: 'pipe' })
    child.stdin.end()
    expect(await child.exited).toBe(1)
    expect(existsSync(halfway)).toBe(false)
    const [old, fresh] = ['old', 'fresh'].map((name) => mkdtempSync(join(tmpdir(), `chasm-bundle-${name}-`)))
    utimesSync(old!, 1, 1)
    const page = new PageFiles({ system: realSystem(), built: missing, bundler: failing('no') })
    await page.file('', '')
    expect([old, fresh].map((folder) => existsSync(folder!))).toEqual([false, true])
    for (const folder of [fresh!, temporary]) rmSync(folder, { recursive: true })
  })

  test('is bundled by a process of its own, which is given no secret', async () => {
    process.env.ADMIN_KEY_OF_TEST = 'secret'
    const page = new PageFiles({ system: realSystem(), built: missing, bundler: ['sh', '-c', 'env >&2; exit 1'] })
    const shown = Buffer.from((await page.file('', ''))!.body).toString()
    delete process.env.ADMIN_KEY_OF_TEST
    expect(shown).toContain('PATH=')
    expect(shown).not.toContain('secret')
  })
})
