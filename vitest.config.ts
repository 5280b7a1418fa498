import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Bun's child processes lack the channel that the default pool (forks) needs.
    pool: 'threads',
    include: ['test/**/*.test.ts', 'shared/**/*.test.ts', 'orchestrator/**/*.test.ts', 'scout/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
