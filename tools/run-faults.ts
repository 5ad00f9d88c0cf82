/**
 * `npm run test:faults`: the fault suite with its full counts (20 kills of each process, 10,000 malformed frames for
 * each socket and route), a folder of 100,000 jobs whose migration is killed 10 times, 2,000 bought completions, and a
 * kill between any two steps of a venue.
 */
import { spawnSync } from 'node:child_process'

const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    'test/faults',
    'test/load',
    'test/venues/conformance',
    '--testTimeout',
    '3600000',
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, STOKER_FAULTS: 'full' },
  },
)
process.exitCode = status ?? 1
