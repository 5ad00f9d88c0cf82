/**
 * `npm run test:faults`: the fault suite with its full counts (20 kills of each process, 10,000 malformed frames for
 * each socket and route), a folder of 100,000 jobs whose migration is killed 10 times, 2,000 bought completions, a kill
 * between any two steps of a venue, and 300 faults by a schedule whose seed is printed.
 *
 * `npm run test:faults -- --seed X --faults N`: the schedule alone, the first N faults of that seed; `--from M` leaves
 * out those before the M-th, so that a long one may be run in pieces.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { seed: { type: 'string' }, faults: { type: 'string' }, from: { type: 'string' } },
})
const { seed, faults, from } = values
for (const value of [seed, faults, from])
  if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value)) throw new Error(`${value} is not a whole number from 1 on`)
const isReplay = seed !== undefined || faults !== undefined

const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...(isReplay ? ['test/faults/schedule.test.ts'] : ['test/faults', 'test/load', 'test/venues/conformance']),
    '--testTimeout',
    '3600000',
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      STOKER_FAULTS: 'full',
      // Another schedule with every run that asks for none; it is printed.
      STOKER_FAULTS_SEED: seed ?? String(1 + Math.floor(Math.random() * 999_999)),
      ...(faults === undefined ? {} : { STOKER_FAULTS_COUNT: faults }),
      ...(from === undefined ? {} : { STOKER_FAULTS_FROM: from }),
    },
  },
)
process.exitCode = status ?? 1
