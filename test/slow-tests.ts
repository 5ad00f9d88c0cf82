/**
 * Test files that run whole processes for long: kills, full disks, copies, exams that end, two venues at once. They are
 * `npm run test:slow`, which CI runs too; `npm test` leaves them out.
 */
export const SLOW_TESTS: readonly string[] = [
  'test/cli/demo.test.ts',
  'test/cli/keys-and-copies.test.ts',
  'test/core/breaker/stops-selling.test.ts',
  'test/core/exams/qualification-ends.test.ts',
  'test/faults/**/*.test.ts',
  'test/mutants/run-mutants.test.ts',
  'test/venues/conformance.test.ts',
]
