/**
 * The files of the page as the client edge serves them: bundled by a process of its own beside the hub, which listens
 * meanwhile, or read from the folder `page` that a build left beside the program. The first request has them bundled
 * and waits for them, unless `start` was called before. A page that cannot be bundled becomes one that says why, and
 * never harms the hub; a later request tries again.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleComplaintChars, bundleMs, bundleRetryMs } from '../../shared/limits/http.ts'
import type { System } from '../../shared/system.ts'

/** One answer; `headers` lack only the request's id. */
interface PageFile {
  status: number
  body: Uint8Array<ArrayBuffer>
  headers: Record<string, string>
}

/** A file as it is and compressed, by content encoding. */
type Encodings = Map<string, Uint8Array<ArrayBuffer>>
type Files = ReadonlyMap<string, Encodings>

interface PageFilesOptions {
  system: System
  /** The command that bundles into the folder that is named behind it; `attached` follows. */
  bundler?: string[]
  /** Where a build left the bundled page. */
  built?: string
}

/** How the folders begin into which the page is bundled. */
const bundlePrefix = 'chasm-bundle-'
const entry = 'index.html'
const preferred = ['br', 'gzip', 'identity'] as const
const endings: Record<string, string> = { '.br': 'br', '.gz': 'gzip' }
const contentTypes: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

const sources = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
/** Nothing of another origin runs, is shown or is asked, and no page frames this one. */
const pageHeaders = {
  'content-security-policy': `${sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

export class PageFiles {
  private files: Promise<Files | string> | null = null
  /** When the last bundling failed; null before. */
  private failedMs: number | null = null
  private child: Bun.Subprocess | null = null

  constructor(private readonly options: PageFilesOptions) {}

  /** Begins with the bundling, if there is anything to bundle. */
  start(): void {
    this.files ??= this.load()
  }

  stop(): void {
    this.child?.kill('SIGKILL')
  }

  /**
   * The file of this name, null when there is none; the page itself for an empty name. `accepted` is the request's
   * Accept-Encoding.
   */
  async file(name: string, accepted: string): Promise<PageFile | null> {
    const files = await this.loaded()
    if (typeof files === 'string') return name === '' ? failurePage(files) : null
    const encodings = files.get(name === '' ? entry : name)
    if (encodings === undefined || name === entry) return null
    const encoding = preferred.find((one) => encodings.has(one) && (one === 'identity' || accepted.includes(one)))!
    const kind = contentTypes[(name === '' ? entry : name).split('.').at(-1)!]
    const headers: Record<string, string> = {
      ...pageHeaders,
      'content-type': kind ?? 'application/octet-stream',
      // What has its content in its name never changes.
      'cache-control': name === '' ? 'no-cache' : 'public, max-age=31536000, immutable',
      vary: name === '' ? 'accept, accept-encoding' : 'accept-encoding',
      ...(encoding !== 'identity' && { 'content-encoding': encoding }),
    }
    return { status: 200, body: encodings.get(encoding)!, headers }
  }

  private async loaded(): Promise<Files | string> {
    const { system } = this.options
    if (this.failedMs !== null && system.nowMs() - this.failedMs >= bundleRetryMs) {
      this.failedMs = null
      this.files = null
    }
    this.start()
    return this.files!
  }

  /** The files, or why there are none: whatever the disk and the system refuse harms nobody but the page's readers. */
  private async load(): Promise<Files | string> {
    try {
      return await this.filesOrComplaint()
    } catch (error) {
      this.failedMs = this.options.system.nowMs()
      return (error as Error).message
    }
  }

  private async filesOrComplaint(): Promise<Files | string> {
    const built = this.options.built ?? join(import.meta.dirname, 'page')
    // Beside a bundled program lies the bundled page; beside this source its source.
    if (existsSync(join(built, entry)) && !existsSync(join(built, 'main.tsx'))) return readFiles(built)
    removeLeftovers(this.options.system.wallMs())
    const folder = mkdtempSync(join(tmpdir(), bundlePrefix))
    try {
      const complaint = await this.bundle(folder)
      if (complaint === null) return readFiles(folder)
      this.failedMs = this.options.system.nowMs()
      return complaint
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** Null when the folder is full; else what the bundler says. */
  private async bundle(folder: string): Promise<string | null> {
    const { system } = this.options
    const program = [process.execPath, '--no-env-file', join(import.meta.dirname, 'bundle.ts')]
    // It gets nothing of the environment that it could print.
    const env = { PATH: process.env.PATH ?? '', TMPDIR: tmpdir() }
    const command = [...(this.options.bundler ?? program), folder, 'attached']
    // Its input stays open as long as this process lives.
    const child = Bun.spawn(command, { env, stdin: 'pipe', stdout: 'ignore', stderr: 'pipe' })
    this.child = child
    const timer = system.after(bundleMs, () => child.kill('SIGKILL'))
    const said = await new Response(child.stderr).text()
    const code = await child.exited
    timer.cancel()
    this.child = null
    if (code === 0) return null
    const why = said.trim().slice(0, bundleComplaintChars)
    return why === '' ? `The bundler ended with ${child.signalCode ?? `code ${code}`}.` : why
  }
}

/** Of hubs that were killed while they bundled: nobody's, since no bundler is let run so long. */
function removeLeftovers(wallMs: number): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(bundlePrefix)) continue
    const folder = join(tmpdir(), name)
    try {
      if (wallMs - statSync(folder).mtimeMs > 2 * bundleMs) rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another user's, or another hub was faster.
    }
  }
}

function readFiles(folder: string): Files {
  const files = new Map<string, Encodings>()
  for (const name of readdirSync(folder)) {
    const ending = /\.(br|gz)$/.exec(name)?.[0] ?? ''
    const plain = name.slice(0, name.length - ending.length)
    const encodings: Encodings = files.get(plain) ?? new Map()
    encodings.set(endings[ending] ?? 'identity', new Uint8Array(readFileSync(join(folder, name))))
    files.set(plain, encodings)
  }
  return files
}

const markup: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

function failurePage(why: string): PageFile {
  const shown = why.replace(/[&<>]/g, (sign) => markup[sign]!)
  const text = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Chasm: no page</title>
<h1>The page could not be built</h1>
<p>The orchestrator itself works: its API answers, and scouts stay connected. Reload in ${bundleRetryMs / 1000} s to try
again; <code>npm ci</code> brings back missing packages. The bundler said:</p>
<pre>${shown}</pre>
`
  const headers = { ...pageHeaders, 'content-type': contentTypes.html!, 'cache-control': 'no-store' }
  return { status: 503, body: new Uint8Array(Buffer.from(text)), headers }
}
