import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: ['test/e2e/**', 'test/desktop/e2e/**', 'node_modules/**'],
    setupFiles: ['test/support/install-words.ts'],
    pool: 'forks',
    // Many tests wait for processes of their own; more than cores keeps the cores busy.
    maxWorkers: 3,
    // They guard against hanging only: on a busy machine a test of two seconds may take twenty.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', ['json', { outputFile: 'test-results/vitest.json' }]],
  },
})
