/**
 * A year of earnings as rows of the two databases, read by the real core: two grades, three models, an outage of 37
 * hours, an ask war, a price drop, five days of held money. Invented, the same on every run.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DAY_MS, HOUR_MS, QUARTER_MS } from '#contract/time.ts'
import { unitOf } from '#contract/units.ts'
import { createEarnings, type EarningsService } from '#core/earnings/index.ts'
import { energyBetween, energyByWeekHour, gpuEnergyBetween, methodsBetween } from '#core/power/power.store.ts'
import { costOfJobTime, rateOf } from '#core/power/power.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import type { WriteDb } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'

import { FakeClock } from './fake-clock.ts'
import { VENUE } from './venue.ts'

/** A Saturday afternoon in Europe. */
export const YEAR_NOW = Date.UTC(2026, 10, 28, 14, 20)
const HELD_MS = 5 * DAY_MS
const OUTAGE = { from: YEAR_NOW - 20 * DAY_MS, to: YEAR_NOW - 20 * DAY_MS + 37 * HOUR_MS }
const WAR = { from: YEAR_NOW - 9 * DAY_MS, to: YEAR_NOW - 7 * DAY_MS }
const DROP_AT = YEAR_NOW - 60 * DAY_MS

interface Line {
  instrument: string
  model: string
  deployment: string
  from: number
  until: number
  /** Nano-units a quarter hour at full load. */
  size: number
}
const LINES: readonly Line[] = [
  { instrument: 'text-standard', model: 'a'.repeat(64), deployment: 'dep_text_old', from: 300, until: 120, size: 9e6 },
  { instrument: 'text-standard', model: 'b'.repeat(64), deployment: 'dep_text_new', from: 120, until: 0, size: 16e6 },
  { instrument: 'code-standard', model: 'c'.repeat(64), deployment: 'dep_code', from: 150, until: 0, size: 5e6 },
]
const YEAR_GPU = 'GPU-5f0e2c1d-7a44-4b19-9c02-3e8d6f1a2b77'

const wobble = (index: number): number => Math.abs(Math.sin(index * 12.9898) * 43_758.5453) % 1
/** Nights are quiet, weekends quieter; by the clock of UTC. */
const demand = (at: number): number => {
  const hour = new Date(at).getUTCHours()
  const isWeekend = [0, 6].includes(new Date(at).getUTCDay())
  return (hour < 5 ? 0 : 0.25 + 0.75 * Math.sin(((hour - 5) / 19) * Math.PI)) * (isWeekend ? 0.45 : 1)
}
const within = (at: number, { from, to }: { from: number; to: number }): boolean => at >= from && at < to

function incomeSeed(db: WriteDb): (at: number, index: number) => void {
  const roll = db.prepare(
    'INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const held = db.prepare(
    `INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, ended_at, expires_at, claim_json, claim_sig, gross_nano, fee_nano, seller_nano, release_at, receipt_seq)
     VALUES (?, ?, 1, ?, ?, 'settled', 0, 0, '', ?, ?, ?, '', '', ?, ?, ?, ?, ?)`,
  )
  return (at, index) => {
    for (const [number, line] of LINES.entries()) {
      const ago = (YEAR_NOW - at) / DAY_MS
      if (ago > line.from || ago <= line.until) continue
      const price = (at < DROP_AT ? 1.4 : 1) * (within(at, WAR) ? 0.4 : 1)
      const gross = Math.round(line.size * demand(at) * (0.6 + 0.4 * wobble(index + number)) * price)
      if (gross === 0) continue
      const fee = Math.floor(gross / 20)
      const isHeld = at > YEAR_NOW - HELD_MS
      const jobs = Math.max(1, Math.round(gross / 8e5))
      const served = Math.round(QUARTER_MS * 0.3 * demand(at))
      roll.run(
        at,
        line.instrument,
        line.model,
        line.deployment,
        jobs,
        jobs * 400,
        jobs * 900,
        gross,
        fee,
        gross - fee,
        isHeld ? 0 : gross - fee,
        served,
      )
      if (isHeld)
        held.run(
          `job_${index}_${number}`,
          line.instrument,
          line.deployment,
          line.model,
          at,
          at + 1_000,
          at + HOUR_MS,
          gross,
          fee,
          gross - fee,
          at + HELD_MS,
          index * 10 + number,
        )
    }
  }
}

function useSeed(realm: WriteDb, rig: WriteDb): (at: number) => void {
  const listed = realm.prepare('INSERT INTO listing_quarter (quarter_ms, listed_ms, connected_ms) VALUES (?, ?, ?)')
  const power = rig.prepare(
    "INSERT INTO power_quarter (quarter_ms, currency, joules, serving_joules, cost_nano, serving_cost_nano, covered_ms, serving_ms, job_ms, method) VALUES (?, 'EUR', ?, ?, ?, ?, ?, ?, ?, 'read from the GPU (NVML)')",
  )
  const gpu = rig.prepare(
    "INSERT INTO power_gpu_quarter (quarter_ms, currency, gpu, joules, cost_nano, covered_ms) VALUES (?, 'EUR', ?, ?, ?, ?)",
  )
  return (at) => {
    const isNight = new Date(at).getUTCHours() < 5
    if (!isNight) listed.run(at, QUARTER_MS, QUARTER_MS)
    const busy = Math.round(QUARTER_MS * 0.35 * demand(at))
    const joules = 78 * 900 + 160 * (busy / 1_000)
    const cost = Math.round((joules / 3.6e6) * 0.28e9)
    const serving = Math.round((160 * (busy / 1_000) * 0.28e9) / 3.6e6)
    power.run(at, joules, 160 * (busy / 1_000), cost, serving, QUARTER_MS, busy, busy)
    gpu.run(at, YEAR_GPU, joules * 0.7, Math.floor(cost * 0.7), QUARTER_MS)
  }
}

function seedMarks(db: WriteDb): void {
  const listing = (at: number, instrument: string, change: string, ask: number): void =>
    void db
      .prepare(
        "INSERT INTO listing_history (at, instrument, deployment_id, change, ask_nano_per_mtok, ask_cached_nano_per_mtok, ask_output_nano_per_mtok, slots, reason) VALUES (?, ?, 'dep', ?, ?, ?, ?, 4, '')",
      )
      .run(at, instrument, change, ask, ask, ask)
  listing(YEAR_NOW - 300 * DAY_MS, 'text-standard', 'listed', 590_000_000)
  listing(DROP_AT, 'text-standard', 're-priced', 420_000_000)
  listing(WAR.from, 'text-standard', 're-priced', 170_000_000)
  listing(WAR.to, 'text-standard', 're-priced', 420_000_000)
  const event = (at: number, code: string): void =>
    void db
      .prepare("INSERT INTO recorded_events (at, topic, code, params) VALUES (?, 'exchange', ?, '{}')")
      .run(at, code)
  event(OUTAGE.from, 'OFFLINE')
  event(OUTAGE.to, 'ONLINE')
}

export interface EarnedYear {
  earnings: EarningsService
  /** What every amount is in: the same money as electricity. */
  unit: ReturnType<typeof unitOf>
  close(): void
}

export function earnedYear(): EarnedYear {
  const folder = mkdtempSync(join(tmpdir(), 'stoker-year-'))
  const realmDb = openDb({ path: join(folder, 'practice.db'), migrations: realmMigrations })
  const rigDb = openDb({ path: join(folder, 'rig.db'), migrations: rigMigrations })
  const first = Math.floor((YEAR_NOW - 300 * DAY_MS) / QUARTER_MS) * QUARTER_MS
  realmDb.tx((realm) =>
    rigDb.tx((rig) => {
      const [income, use] = [incomeSeed(realm), useSeed(realm, rig)]
      for (let at = first, index = 1; at <= YEAR_NOW; at += QUARTER_MS, index += 1) {
        if (within(at, OUTAGE)) continue
        income(at, index)
        use(at)
      }
      seedMarks(realm)
    }),
  )
  const unit = unitOf('EUR')
  const earnings = createEarnings(
    { venueId: VENUE, realm: 'real', unit, realmDb, rigDb, clock: new FakeClock(YEAR_NOW) },
    {
      sums: (from, to) => energyBetween(rigDb.read, from, to),
      gpus: (from, to) => gpuEnergyBetween(rigDb.read, from, to),
      weekHours: (from, to, offset) => energyByWeekHour(rigDb.read, { from, to, offset }),
      methods: (from, to, limit) => methodsBetween(rigDb.read, from, to, limit),
      currency: () => 'EUR',
      costOfJobs: (rows, jobMs) => costOfJobTime(rateOf(rows, 'EUR'), jobMs),
    },
  )
  return {
    earnings,
    unit,
    close() {
      realmDb.close()
      rigDb.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
