/**
 * A real browser for tests of what only browsers do: Chromium as this machine has it, or as its package manager has
 * it where this process may install packages. Where there is none, `findChromium` says why, for the name of a skipped
 * test.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installObstacle, installPackages } from './apt.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Where it is, or why there is none. */
type Found = { path: string } | { reason: string }

/** Installs it once, where that is possible: as root with apt. */
export async function findChromium(): Promise<Found> {
  const found = onPath()
  if (found !== null) return { path: found }
  const obstacle = installObstacle()
  if (obstacle !== null) return { reason: `no Chromium in PATH, and ${obstacle}: install it as \`chromium\`` }
  const failure = await installPackages('chromium', 'fonts-dejavu-core')
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

/** Bundles a script for a page; `name` is a path in the folder of tests. */
export async function bundleForPage(name: string): Promise<string> {
  const entry = join(import.meta.dirname, '..', '..', name)
  const built = await Bun.build({ entrypoints: [entry], target: 'browser', format: 'iife' })
  const [output] = built.outputs
  if (output === undefined) throw new Error(`${name} could not be bundled: ${built.logs.join(' ')}`)
  return output.text()
}
