import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take longest begin first, so that none of them ends alone when all others are done. */
const longest = [
  ...['sim/sim', 'core/step/random-walk', 'dashboard/page', 'standalone/hub-processes', 'dashboard/points/points'],
  ...['dashboard/hubs', 'faults/replaced-keys', 'clients/peer-hubs', 'chat/lifecycle', 'tidy'],
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
      return at === -1 ? longest.length : at
    }
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  test: {
    // Bun's child processes lack the channel that the default pool (forks) needs.
    pool: 'threads',
    // One more than CI has cores: with as many, half of the processor's time went by while tests waited for processes
    // and pages. They wait for events, so they bear neighbours.
    maxWorkers: 3,
    include: ['test/**/*.test.ts', 'shared/**/*.test.ts', 'orchestrator/**/*.test.ts', 'scout/**/*.test.ts'],
    sequence: { sequencer: LongestFirst },
    // Above what one wait may take (test/support/clocks/until.ts), which says what was waited for.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
