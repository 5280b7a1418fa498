import { describe, expect, test } from 'vitest'
import { checkClock, checkDescriptors, checkMemory } from '../../scout/cli/checks.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const MiB = 1024 * 1024

describe('a check', () => {
  test('of the clock warns from a minute on, and says which way it is off', () => {
    expect(checkClock(1_000)).toMatchObject({ health: 'ok' })
    expect(checkClock(90_000)).toMatchObject({ health: 'warn', sentence: expect.stringMatching(/^90 s behind the/) })
    expect(checkClock(-3_600_000).sentence).toMatch(/^3600 s ahead of the orchestrator's: set this machine's clock/)
    expect(checkClock(null)).toMatchObject({ health: 'skip' })
  })

  test('of the memory warns when a scout would hardly fit', () => {
    expect(checkMemory(900 * MiB)).toMatchObject({ health: 'ok' })
    expect(checkMemory(20 * MiB).sentence).toMatch(/^20 MB are free, but a scout wants 64 MB: free some/)
  })

  test('of the open files counts what the concurrency needs', () => {
    expect(checkDescriptors(1_024, 4)).toMatchObject({ health: 'ok' })
    expect(checkDescriptors(256, 200).sentence).toMatch(
      /^only 256 are allowed, but 200 tasks at once .*`ulimit -n 464`/,
    )
    expect(checkDescriptors(null, 4)).toMatchObject({ health: 'skip' })
  })
})

test('doctor finds nothing wrong with a scout that could serve, and leaves no trace at the hub', async () => {
  const hub = new LiveHub()
  try {
    const env = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, PROVIDERS: 'demo' }
    const program = startCommand(['doctor'], temporaryFolder(), env)
    expect(await program.exited, program.stdout).toBe(0)
    for (const what of ['File', 'Hub', 'Key', 'Clock', 'Provider', 'Memory', 'Open files', 'State']) {
      expect(program.stdout).toMatch(new RegExp(`^ok {4}${what} `, 'm'))
    }
    expect(program.stdout).toContain('demo offers 3 models: demo-small, demo-large, demo-embed.')
    expect(program.stdout).toContain('Nothing is in the way')
    expect(hub.hub.engine.scouts()).toEqual([])
  } finally {
    await hub.close()
  }
})
