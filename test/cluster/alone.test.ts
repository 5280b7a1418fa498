/** A hub by itself pays nothing for networks: what its program loads before it is told of one. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
/** Receipts are signed with the identity of the hub, in a network or not. */
const identity = ['identity-file.ts', 'roster/identity.ts', 'whole-file.ts'].map(
  (file) => `orchestrator/cluster/${file}`,
)

/** Files and packages that are loaded along with a file, without those that wait for a dynamic import. */
function loadedWith(path: string): string[] {
  const transpiler = new Bun.Transpiler({ loader: 'ts' })
  const loaded = new Set([path])
  for (const file of loaded) {
    if (!file.endsWith('.ts')) continue
    for (const { kind, path: specifier } of transpiler.scanImports(readFileSync(join(root, file), 'utf8'))) {
      if (kind !== 'import-statement') continue
      const isOwn = specifier.startsWith('.')
      loaded.add(isOwn ? relative(root, join(root, file, '..', specifier)) : specifier)
    }
  }
  return [...loaded]
}

test('the program of a hub loads nothing of networks before it is to join one', () => {
  const loaded = loadedWith('orchestrator/main.ts')
  expect(loaded).toContain('orchestrator/engine/engine.ts')
  const ofNetworks = loaded.filter((path) => /^orchestrator\/cluster\/|^@nats-io\//.test(path))
  expect(ofNetworks.filter((path) => !identity.includes(path))).toEqual([])
})
