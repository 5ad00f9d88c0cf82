/**
 * Test files that run whole processes for long: kills, full disks, copies, bundles, exams that end, two venues at once. They are
 * `npm run test:slow`, which CI runs too; `npm test` leaves them out.
 */
export const SLOW_TESTS: readonly string[] = [
  'test/cli/commands.test.ts',
  'test/cli/demo.test.ts',
  'test/cli/keys-and-copies.test.ts',
  'test/cli/malformed.test.ts',
  'test/core/backup/restored-listing.test.ts',
  'test/core/breaker/stops-selling.test.ts',
  'test/core/exams/qualification-ends.test.ts',
  'test/core/whole-loop.test.ts',
  'test/db/bring-up-to-date.test.ts',
  'test/db/damage.test.ts',
  'test/desktop/bundles.test.ts',
  'test/engine/client/crash.test.ts',
  'test/engine/client/host-pulse.test.ts',
  'test/faults/**/*.test.ts',
  'test/lib/supervised-processes.test.ts',
  'test/mutants/run-mutants.test.ts',
  'test/sensors/sensors-client.test.ts',
  'test/server/exchange-child.test.ts',
  'test/tools/dev.test.ts',
  'test/venues/conformance.test.ts',
]

/** Browser tests of theirs: zones, pseudo-locales, whole first runs. */
export const SLOW_SPECS: readonly string[] = [
  'calendar.spec.ts',
  'earnings.spec.ts',
  'first-minutes.spec.ts',
  'languages.spec.ts',
  'missing-screen.spec.ts',
  'workshop.spec.ts',
]
