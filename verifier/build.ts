/**
 * Makes the verifier one file without dependencies, which any Node runs: an auditor takes it along. `npm run build`
 * runs it. The only argument is where the file goes; `dist/chasm-verify.mjs` without one.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')

/** In the source it is Bun that runs it, which reads TypeScript. */
const firstLine = '#!/usr/bin/env node\n'

async function build(): Promise<void> {
  const { outputs } = await Bun.build({ entrypoints: [join(root, 'verifier/main.ts')], target: 'node' })
  const code = (await outputs[0]!.text()).replace(/^#!.*\n/, '')
  const path = resolve(process.argv[2] ?? join(root, 'dist/chasm-verify.mjs'))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, firstLine + code)
  chmodSync(path, 0o755)
  process.stdout.write(`${relative(process.cwd(), path)}  ${(code.length / 1e3).toFixed(0)} kB\n`)
}

await build()
