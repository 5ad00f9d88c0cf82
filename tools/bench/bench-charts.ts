/**
 * `npm run bench:charts`: does a screen cost the same with a million jobs as with ten thousand? Builds two data folders
 * with jobs of the same 365 days (tools/bench/charts/folder-of-jobs.ts), asks the core of each for everything the
 * screens read, by turns, and prints the fastest round, the ratio and the bytes of a job on either side. Options: `--jobs
 * N` (the larger folder), `--small N`, `--day N` (jobs of one busy day, for Home), `--rounds N`. The folders lie in
 * the system's temporary folder and are removed. Writes bench-results/charts.json.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import type { Core } from '#core/core.ts'

import { bytesAJob, type Bytes } from './charts/bytes-a-job.ts'
import { makeFolder, type FolderOfJobs } from './charts/folder-of-jobs.ts'
import { openCore, screenQueries } from './charts/screens.ts'
import { exchangePath, practicePath } from './charts/two-sides.ts'
import { VENUE } from '../../test/support/venue.ts'

const FROM = Date.UTC(2026, 0, 1)
const DAYS = 365
/** The bar: so many times as long with the larger folder. */
const RATIO_MAX = 1.5
/** Below this a ratio is noise: it is shown and not judged. */
const NOISE_MS = 0.05

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000000' },
    small: { type: 'string', default: '10000' },
    day: { type: 'string', default: '58000' },
    rounds: { type: 'string', default: '31' },
  },
})
const rounds = Number(values.rounds)
const root = mkdtempSync(join(tmpdir(), 'stoker-charts-'))

interface Side extends FolderOfJobs {
  folder: string
  core: Core
  bytes: { ours: Bytes; theirs: Bytes }
}

function side(name: string, jobs: number, days: number): Side {
  const folder = join(root, name)
  const started = performance.now()
  const made = makeFolder(folder, { jobs, days, from: FROM })
  console.error(`${jobs} jobs over ${days} days: ${((performance.now() - started) / 1_000).toFixed(0)} s`)
  const bytes = { ours: bytesAJob(practicePath(folder)), theirs: bytesAJob(exchangePath(folder)) }
  return { ...made, folder, bytes, core: openCore(folder, made) }
}

/** The fastest round of each, by turns: what another program does at the same time can only add. */
async function fastest(calls: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const times = calls.map(() => [] as number[])
  for (let round = -3; round < rounds; round += 1)
    for (const [index, call] of calls.entries()) {
      const started = performance.now()
      await call()
      if (round >= 0) times[index]!.push(performance.now() - started)
    }
  return times.map((each) => Math.min(...each))
}

const shown = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0))
const line = (cells: readonly unknown[]): void => console.log(`| ${cells.join(' | ')} |`)

try {
  const small = side('small', Number(values.small), DAYS)
  const large = side('large', Number(values.jobs), DAYS)
  const [ofSmall, ofLarge] = [screenQueries(small), screenQueries(large)]
  const results: { query: string; small: number; large: number; ratio: number }[] = []
  line(['query', `${values.small} jobs, ms`, `${values.jobs} jobs, ms`, 'ratio', `at most ${RATIO_MAX}`])
  line(['---', '---', '---', '---', '---'])
  for (const [index, [query, call]] of ofSmall.entries()) {
    const [one, many] = (await fastest([
      () => call(small.core.client),
      () => ofLarge[index]![1](large.core.client),
    ])) as [number, number]
    const ratio = many / one
    results.push({ query, small: one, large: many, ratio })
    const verdict = ratio <= RATIO_MAX ? 'pass' : many < NOISE_MS ? 'below what can be measured' : '**miss**'
    line([query, shown(one), shown(many), ratio.toFixed(2), verdict])
  }
  const busy = side('day', Number(values.day), 1)
  const [home] = await fastest([() => busy.core.client.app.home({ venueId: VENUE })])
  console.log(`\napp.home on a day of ${values.day} jobs: ${shown(home!)} ms`)
  for (const [name, at] of [
    ['seller', 'ours'],
    ['exchange', 'theirs'],
  ] as const) {
    const { total, parts } = large.bytes[at]
    console.log(`\nBytes a job, ${name}: ${total.toFixed(0)}`)
    console.log(parts.map(([part, bytes]) => `${part} ${bytes.toFixed(0)}`).join(' · '))
  }
  for (const { core } of [small, large, busy]) await core.stop()
  mkdirSync('bench-results', { recursive: true })
  const bytes = { seller: large.bytes.ours, exchange: large.bytes.theirs }
  writeFileSync(
    'bench-results/charts.json',
    `${JSON.stringify({ ...values, results, homeOfABusyDay: home, bytes }, null, 2)}\n`,
  )
  if (results.some(({ ratio, large: ms }) => ratio > RATIO_MAX && ms >= NOISE_MS)) process.exitCode = 1
} finally {
  rmSync(root, { recursive: true, force: true })
}
