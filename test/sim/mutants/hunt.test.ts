/** Hunts in processes that stand for simulations: sound, broken, without an end, too large, and not to be started. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { firstFailure } from './hunt.ts'

const folders: string[] = []
const unbounded = Number.POSITIVE_INFINITY

/** A copy of sources whose simulation is this program. */
function sourcesOf(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-hunt-'))
  folders.push(folder)
  mkdirSync(join(folder, 'test/sim'), { recursive: true })
  writeFileSync(join(folder, 'test/sim/run.ts'), program)
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

describe('a hunt', () => {
  test('returns what the simulation reports', async () => {
    const failure = { invariant: 3, seed: '7', what: '3. twice' }
    const broken = sourcesOf(`console.log('seed 7'); console.log('${JSON.stringify({ failure })}')`)
    expect(await firstFailure(broken, '9')).toEqual({ by: 'invariant', ...failure })
    const sound = sourcesOf(`console.log('seed 7'); console.log('{"failure":null}')`)
    expect(await firstFailure(sound, '9')).toBeNull()
  })

  test('ends a seed without an end', async () => {
    const circle = sourcesOf(`require('node:fs').writeSync(1, 'seed 1\\nseed 2\\n'); for (;;) {}`)
    const find = await firstFailure(circle, '9', { seedSecondsMax: 0.5, residentMiBMax: unbounded })
    expect(find).toEqual({ by: 'bound', seed: '2', what: 'one seed took more than 0.5 s' })
  })

  test.skipIf(process.platform !== 'linux')('does not count the time in which its process stands still', async () => {
    const still = sourcesOf(
      `require('node:fs').writeSync(1, 'seed 1\\n'); setTimeout(() => console.log('{"failure":null}'), 1_000)`,
    )
    expect(await firstFailure(still, '9', { seedSecondsMax: 0.5, residentMiBMax: unbounded })).toBeNull()
  })

  test.skipIf(process.platform !== 'linux')('ends a process that takes too much memory', async () => {
    const large = sourcesOf(`require('node:fs').writeSync(1, 'seed 1\\n'); for (;;) {}`)
    // No process is as small.
    const find = await firstFailure(large, '9', { seedSecondsMax: unbounded, residentMiBMax: 1 })
    expect(find).toMatchObject({ by: 'bound', what: 'the process took more than 1 MiB' })
  })

  test('is no find when the simulation does not start', async () => {
    await expect(firstFailure(sourcesOf('throw new Error("no such file")'), '9')).rejects.toThrow('no such file')
  })
})
