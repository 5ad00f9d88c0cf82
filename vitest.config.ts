import { defineConfig } from 'vitest/config'

import { SLOW_TESTS } from './test/slow-tests.ts'

/** The suite on a GPU, or on the software one: `npm run check:gpu`. */
const GPU_TESTS = 'test/gpu/**/*.test.ts'
/** What `npm test` (fast), `npm run test:slow` (slow) and `npm run check:gpu` (gpu) set; without it everything runs that is named. */
const part = process.env['STOKER_TEST_PART']
const INCLUDED: Record<string, string[]> = { slow: [...SLOW_TESTS], gpu: [GPU_TESTS] }

export default defineConfig({
  test: {
    include: INCLUDED[part ?? ''] ?? ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: [
      'test/e2e/**',
      'test/desktop/e2e/**',
      'node_modules/**',
      ...(part === 'fast' ? [...SLOW_TESTS, GPU_TESTS] : []),
    ],
    setupFiles: ['test/support/install-words.ts'],
    pool: 'forks',
    // Many tests wait for processes of their own; more than cores keeps the cores busy. A GPU is one.
    maxWorkers: part === 'gpu' ? 1 : 3,
    // They guard against hanging only: on a busy machine a test of two seconds may take twenty. A GPU's driver compiles
    // at first use.
    testTimeout: part === 'gpu' ? 600_000 : part === 'slow' ? 240_000 : 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: [
      'default',
      [
        'json',
        { outputFile: `test-results/${part === undefined || INCLUDED[part] === undefined ? 'vitest' : part}.json` },
      ],
    ],
  },
})
