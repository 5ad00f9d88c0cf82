/**
 * `npm run bench:disk`: what Stoker writes. A real `stoker serve` sells the bundled model to buyers of its practice
 * exchange: one after another (`--serial N` jobs), eight at a time (`--at-once N` jobs), and with pauses as the practice
 * buyer makes them once it has slowed (`--spaced N` jobs), each until the money is released; then nothing is sold for a
 * while (`--idle MINUTES`). Read is `write_bytes` of /proc/PID/io: what its processes caused to be sent to the disk,
 * pages of 4 KiB, checkpoints included. What is kept is counted in pages in use of both databases. Bars: 100 kB a job,
 * 1 MB an hour with nothing sold, 500 MB written and 10 MB kept by a day of the practice buyer; misses end with exit
 * code 1. Writes bench-results/disk.json. Linux only; the folder has to be on a disk (`--dir`, by default below this
 * one).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import Database from 'better-sqlite3'
import OpenAI from 'openai'

import { examItem } from '#exam/generate-items.ts'
import { QUICK_JOBS, SLOW_MEAN_S } from '#exchange-server/buy/practice-pace.ts'
import { listNano } from '#test/support/listed-rig.ts'
import { childrenOf } from '#test/support/processes.ts'
import { startRig, stoker, type Rig } from '#test/support/rig.ts'

const { values } = parseArgs({
  options: {
    serial: { type: 'string', default: '300' },
    'at-once': { type: 'string', default: '600' },
    spaced: { type: 'string', default: '20' },
    idle: { type: 'string', default: '10' },
    dir: { type: 'string', default: 'bench-results' },
  },
})
const JOB_KB_MAX = 100
const IDLE_MB_MAX = 1
const DAY_WRITTEN_MB_MAX = 500
const DAY_KEPT_MB_MAX = 10
/** Longer than a release waits for the next look, so that each is booked alone. */
const SPACE_MS = 2_500
/** The hold, and time for the releases of its last jobs. */
const RELEASED_MS = 33_000
const DAY_S = 86_400
if (process.platform !== 'linux') {
  console.error('npm run bench:disk reads /proc and so runs on Linux only')
  process.exit(2)
}

/** Bytes sent to the disk by the rig and its children; those that ended are not counted. */
const written = (rig: Rig): number =>
  [rig.pid, ...childrenOf(rig.pid).map(({ pid }) => pid)].reduce((sum, pid) => {
    try {
      return sum + Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0)
    } catch {
      return sum
    }
  }, 0)

/** Bytes of pages in use, what waits in the log included. */
function kept(dir: string): number {
  return ['practice.db', 'exchange/exchange.db', 'rig.db'].reduce((sum, file) => {
    const db = new Database(join(dir, file), { readonly: true, timeout: 10_000 })
    const read = (name: string): number => db.pragma(name, { simple: true }) as number
    const bytes = (read('page_count') - read('freelist_count')) * read('page_size')
    db.close()
    return sum + bytes
  }, 0)
}

interface Row {
  name: string
  jobs: number
  kbAJob: number
  keptKbAJob: number
}

let index = 0
async function buyOne(client: OpenAI): Promise<void> {
  index += 1
  await client.chat.completions.create({
    model: 'practice/text-nano',
    messages: [{ role: 'user', content: examItem('bench-disk', 'follow', 1, index).prompt }],
    max_tokens: 24,
  })
}

async function measured(rig: Rig, name: string, jobs: number, buy: () => Promise<void>): Promise<Row> {
  const before = { written: written(rig), kept: kept(rig.dir) }
  await buy()
  await wait(RELEASED_MS)
  const kb = (bytes: number): number => Number((bytes / 1_000 / jobs).toFixed(1))
  return { name, jobs, kbAJob: kb(written(rig) - before.written), keptKbAJob: kb(kept(rig.dir) - before.kept) }
}

mkdirSync(values.dir, { recursive: true })
const dir = mkdtempSync(join(resolve(values.dir), 'disk-'))
const rig = await startRig({ dir, args: ['--no-practice-buyer'] })
let misses: string[] = []
try {
  await listNano(rig.client, { slots: 4 })
  const client = new OpenAI({
    baseURL: `${rig.exchangeUrl}/v1`,
    apiKey: /sk-practice-\S+/.exec((await stoker(['buyer-key', '--data', rig.dir])).stdout)![0],
    maxRetries: 3,
  })
  const [serial, atOnce, spaced] = [Number(values.serial), Number(values['at-once']), Number(values.spaced)]
  const rows: Row[] = []
  rows.push(
    await measured(rig, 'one after another', serial, async () => {
      for (let count = 0; count < serial; count += 1) await buyOne(client)
    }),
  )
  rows.push(
    await measured(rig, 'eight at a time', atOnce, async () => {
      let left = atOnce
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (; left > 0;) {
            left -= 1
            await buyOne(client)
          }
        }),
      )
    }),
  )
  rows.push(
    await measured(rig, `one in ${SPACE_MS / 1_000} s`, spaced, async () => {
      for (let count = 0; count < spaced; count += 1) {
        await buyOne(client)
        await wait(SPACE_MS)
      }
    }),
  )
  const idleMinutes = Number(values.idle)
  const before = written(rig)
  await wait(idleMinutes * 60_000)
  const idleMb = Number(((((written(rig) - before) / 1e6) * 60) / idleMinutes).toFixed(2))
  const alone = rows.at(-1)!
  const jobsADay = Math.round(QUICK_JOBS + (DAY_S - QUICK_JOBS * 3) / SLOW_MEAN_S)
  const day = {
    jobs: jobsADay,
    writtenMb: Math.round((jobsADay * alone.kbAJob) / 1_000 + idleMb * 24),
    keptMb: Number(((jobsADay * Math.max(...rows.map((row) => row.keptKbAJob))) / 1_000).toFixed(1)),
  }
  writeFileSync(join(values.dir, 'disk.json'), `${JSON.stringify({ rows, idleMb, day }, null, 2)}\n`)
  console.log('| jobs | | written a job | kept a job |\n|---|---|---|---|')
  for (const row of rows) console.log(`| ${row.jobs} | ${row.name} | ${row.kbAJob} kB | ${row.keptKbAJob} kB |`)
  console.log(`\nNothing sold: ${idleMb} MB an hour (over ${idleMinutes} minutes).`)
  console.log(`A day of the practice buyer: ${day.jobs} jobs, ${day.writtenMb} MB written, ${day.keptMb} MB kept.`)
  misses = [
    ...rows.slice(0, 2).flatMap((row) => (row.kbAJob > JOB_KB_MAX ? [`${row.name}: ${row.kbAJob} kB a job`] : [])),
    ...(idleMb > IDLE_MB_MAX ? [`nothing sold: ${idleMb} MB an hour`] : []),
    ...(day.writtenMb > DAY_WRITTEN_MB_MAX ? [`a day writes ${day.writtenMb} MB`] : []),
    ...(day.keptMb > DAY_KEPT_MB_MAX ? [`a day keeps ${day.keptMb} MB`] : []),
  ]
  for (const miss of misses) console.error(`missed: ${miss}`)
} finally {
  await rig.stop()
  rmSync(dir, { recursive: true, force: true })
}
process.exitCode = misses.length > 0 ? 1 : 0
