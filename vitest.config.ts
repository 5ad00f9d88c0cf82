import { defineConfig } from 'vitest/config'

import { SLOW_TESTS } from './test/slow-tests.ts'

/** What `npm test` (fast) and `npm run test:slow` (slow) set; without it everything runs that is named. */
const part = process.env['STOKER_TEST_PART']

export default defineConfig({
  test: {
    include: part === 'slow' ? [...SLOW_TESTS] : ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: ['test/e2e/**', 'test/desktop/e2e/**', 'node_modules/**', ...(part === 'fast' ? SLOW_TESTS : [])],
    setupFiles: ['test/support/install-words.ts'],
    pool: 'forks',
    // Many tests wait for processes of their own; more than cores keeps the cores busy.
    maxWorkers: 3,
    // They guard against hanging only: on a busy machine a test of two seconds may take twenty.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', ['json', { outputFile: `test-results/${part === 'slow' ? 'slow' : 'vitest'}.json` }]],
  },
})
