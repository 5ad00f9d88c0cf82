/**
 * `npm run bench:check`: does `stoker ledger check` take time as the jobs, and memory not at all? Builds two data folders
 * with both sides of trade (tools/bench/charts/folder-of-jobs.ts), checks each in a process of its own, and prints
 * seconds, the ratio and the peak of its resident memory. Options: `--small N`, `--jobs N`, `--keep DIR` (folders that
 * stay, and are used again). Writes bench-results/check.json; ends with 1 where a bar is missed.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { makeFolder } from './charts/folder-of-jobs.ts'

const FROM = Date.UTC(2026, 0, 1)
const DAYS = 365
/** From one size to ten times as many jobs. */
const RATIO_MAX = 12
const PEAK_MB_MAX = 256

/** As `npm run stoker` gives them. */
const NODE_FLAGS = ['--max-semi-space-size=8']
const CHILD = fileURLToPath(new URL('check-child.ts', import.meta.url))

const { values } = parseArgs({
  options: {
    small: { type: 'string', default: '10000' },
    jobs: { type: 'string', default: '100000' },
    keep: { type: 'string' },
  },
})
const root = values.keep ?? mkdtempSync(join(tmpdir(), 'stoker-check-'))

interface Taken {
  jobs: number
  seconds: number
  peakMb: number
  ok: boolean
  receipts: number
}

/** Runs the check; throws when it says anything but that all of it holds. */
async function check(folder: string, jobs: number): Promise<Taken> {
  const child = spawn(process.execPath, [...NODE_FLAGS, CHILD, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all(
    [child.stdout, child.stderr].map(async (stream) => {
      let text = ''
      for await (const chunk of stream) text = (text + String(chunk)).slice(-100_000)
      return text
    }),
  )
  if (out === '') throw new Error(`the check of ${jobs} jobs said nothing: ${err!.slice(-1_000)}`)
  const result = JSON.parse(out!) as { ok: boolean; problems: string[]; ours: { receipts: number } }
  if (!result.ok) throw new Error(`the check of ${jobs} jobs says: ${JSON.stringify(result).slice(0, 1_000)}`)
  const last = err!.trim().split('\n').at(-1)!
  const { ms, peakMb } = JSON.parse(last) as { ms: number; peakMb: number }
  return { jobs, seconds: ms / 1_000, peakMb, ok: result.ok, receipts: result.ours.receipts }
}

try {
  const taken: Taken[] = []
  for (const jobs of [Number(values.small), Number(values.jobs)]) {
    const folder = join(root, String(jobs))
    if (!existsSync(folder)) makeFolder(folder, { jobs, days: DAYS, from: FROM })
    taken.push(await check(folder, jobs))
  }
  const [small, large] = taken as [Taken, Taken]
  const ratio = large.seconds / small.seconds
  console.log('| jobs a side | receipts | seconds | peak RSS, MB |\n| --- | --- | --- | --- |')
  for (const { jobs, receipts, seconds, peakMb } of taken)
    console.log(`| ${jobs} | ${receipts} | ${seconds.toFixed(1)} | ${peakMb.toFixed(0)} |`)
  const peak = Math.max(...taken.map(({ peakMb }) => peakMb))
  const isRatioGood = ratio <= RATIO_MAX
  const isPeakGood = peak <= PEAK_MB_MAX
  console.log(`\ntime ratio ${ratio.toFixed(1)} (at most ${RATIO_MAX}): ${isRatioGood ? 'pass' : '**miss**'}`)
  console.log(`peak ${peak.toFixed(0)} MB (at most ${PEAK_MB_MAX}): ${isPeakGood ? 'pass' : '**miss**'}`)
  mkdirSync('bench-results', { recursive: true })
  writeFileSync('bench-results/check.json', `${JSON.stringify({ taken, ratio }, null, 2)}\n`)
  if (!isRatioGood || !isPeakGood) process.exitCode = 1
} finally {
  if (values.keep === undefined) rmSync(root, { recursive: true, force: true })
}
