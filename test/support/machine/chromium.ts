/**
 * A real browser for tests of what only browsers do: Chromium as this machine has it, or as its package manager has
 * it where this process may install packages. Where there is none, `findChromium` says why, for the name of a skipped
 * test.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
export const installMsMax = 400_000

/** Where it is, or why there is none. */
type Found = { path: string } | { reason: string }

/** Installs it once, where that is possible: as root with apt. */
export async function findChromium(): Promise<Found> {
  const found = onPath()
  if (found !== null) return { path: found }
  if (process.getuid?.() !== 0 || Bun.which('apt-get') === null) {
    return { reason: 'no Chromium in PATH, and it cannot be installed here: install it as `chromium`' }
  }
  const failure = await install()
  const installed = onPath()
  if (installed !== null) return { path: installed }
  return { reason: `no Chromium in PATH, and apt-get could not install it: ${failure ?? 'it ended without one'}` }
}

function onPath(): string | null {
  const { CHROMIUM } = process.env
  if (CHROMIUM && existsSync(CHROMIUM)) return CHROMIUM
  for (const name of names) {
    const path = Bun.which(name)
    if (path !== null) return path
  }
  return null
}

/** The last line of what went wrong; null when nothing did. */
async function install(): Promise<string | null> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = async (...args: string[]): Promise<string | null> => {
    const command = ['timeout', String(installMsMax / 1000), 'apt-get', '-qq', ...args]
    const child = Bun.spawn(command, { env, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
    const said = await new Response(child.stderr).text()
    return (await child.exited) === 0 ? null : (said.trim().split('\n').at(-1) ?? 'it failed')
  }
  const packages = ['install', '--yes', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']
  // The list of packages may be there, and current enough.
  if ((await run(...packages)) === null) return null
  return (await run('update')) ?? (await run(...packages))
}

/** Bundles a script for a page; `name` is a path in the folder of tests. */
export async function bundleForPage(name: string): Promise<string> {
  const entry = join(import.meta.dirname, '..', '..', name)
  const built = await Bun.build({ entrypoints: [entry], target: 'browser', format: 'iife' })
  const [output] = built.outputs
  if (output === undefined) throw new Error(`${name} could not be bundled: ${built.logs.join(' ')}`)
  return output.text()
}
