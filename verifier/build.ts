/**
 * Makes the verifier one file without dependencies, `dist/chasm-verify.mjs`, which any Node runs: an auditor takes it
 * along. `npm run build` runs it.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** In the source it is Bun that runs it, which reads TypeScript. */
const firstLine = '#!/usr/bin/env node\n'

async function build(): Promise<void> {
  const { outputs } = await Bun.build({ entrypoints: [join(root, 'verifier/main.ts')], target: 'node' })
  const code = (await outputs[0]!.text()).replace(/^#!.*\n/, '')
  const path = join(root, 'dist/chasm-verify.mjs')
  mkdirSync(join(root, 'dist'), { recursive: true })
  writeFileSync(path, firstLine + code)
  chmodSync(path, 0o755)
  process.stdout.write(`dist/chasm-verify.mjs  ${(code.length / 1e3).toFixed(0)} kB\n`)
}

await build()
