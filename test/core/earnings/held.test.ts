import { join } from 'node:path'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { SECOND_MS } from '#contract/time.ts'
import { createEarnings, earningsApi } from '#core/earnings/index.ts'
import { heldJobs, pendingNano } from '#core/earnings/rollups.store.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Db, ReadDb } from '#db/db-types.ts'
import { inEnglish } from '#test/support/in-english.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { VENUE, VENUE_FACTS } from '#test/support/venue.ts'

const all = { context: { scopes: ALL_SCOPES } }
const NANO_TEXT = 'practice/text-nano'

let rig: RigContext
let realmDb: Db
beforeEach(() => {
  rig = rigContext()
  realmDb = openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations })
})
afterEach(() => {
  realmDb.close()
  rig.dispose()
})

const earnings = () =>
  createEarnings(
    { ...rig, ...VENUE_FACTS, realmDb },
    {
      sums: () => [],
      gpus: () => [],
      weekHours: () => [],
      methods: () => [],
      currency: () => 'EUR',
      costOfJobs: () => null,
    },
  )
function job(
  id: string,
  state: 'claimed' | 'settled' | 'failed',
  money: { gross: number; seller?: number; releaseAt?: number; releasedAt?: number },
): void {
  realmDb.tx((db) =>
    db
      .prepare(`
    INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, expires_at, claim_json, claim_sig, gross_nano, seller_nano, release_at, released_at, receipt_seq)
    VALUES (?, ?, 1, 'dep_1', 'a', ?, 0, 0, 's', 0, 0, ?, ?, ?, ?, ?, ?, ?)`)
      .run(
        id,
        NANO_TEXT,
        state,
        state === 'failed' ? null : '{}',
        state === 'failed' ? null : 's',
        money.gross,
        money.seller ?? null,
        money.releaseAt ?? null,
        money.releasedAt ?? null,
        state === 'settled' ? 1 : null,
      ),
  )
}

describe('held money', () => {
  it('is listed by release time, released and worthless jobs left out, overdue ones said so', async () => {
    const now = rig.clock.now()
    job('job_late', 'settled', { gross: 100, seller: 95, releaseAt: now - SECOND_MS })
    job('job_soon', 'settled', { gross: 100, seller: 94, releaseAt: now + SECOND_MS })
    job('job_gone', 'settled', { gross: 100, seller: 93, releaseAt: now - 9, releasedAt: now })
    job('job_free', 'settled', { gross: 0, seller: 0, releaseAt: now + 9 })
    job('job_bad', 'failed', { gross: 5 })
    expect(inEnglish(await call(earningsApi(rig.os, earnings).held, { venueId: VENUE }, all))).toEqual([
      {
        venueId: VENUE,
        jobId: 'job_late',
        instrument: NANO_TEXT,
        amountNano: 95,
        releaseAt: now - SECOND_MS,
        reason: 'Due; the exchange has not told its release yet.',
      },
      {
        venueId: VENUE,
        jobId: 'job_soon',
        instrument: NANO_TEXT,
        amountNano: 94,
        releaseAt: now + SECOND_MS,
        reason: 'The exchange holds what it settled until this time.',
      },
    ])
  })

  it('and the pending sum never scan the job table', () => {
    const plans: string[] = []
    const explain = (sql: string, ...values: unknown[]): void => {
      plans.push(
        ...realmDb.read
          .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
          .all(...values)
          .map(({ detail }) => detail),
      )
    }
    const spy: ReadDb = {
      prepare: (sql) => realmDb.read.prepare(sql),
      money: <Row>(sql: string) => {
        explain(sql, ...(sql.includes('?') ? [1] : []))
        return realmDb.read.money<Row>(sql)
      },
    }
    heldJobs(spy)
    pendingNano(spy)
    expect(plans).toEqual([
      expect.stringContaining('USING INDEX jobs_held'),
      expect.stringContaining('USING INDEX jobs_open'),
    ])
  })

  it('tells pending claims and the next release, apart from what the range earned', () => {
    const now = rig.clock.now()
    job('job_c', 'claimed', { gross: 700 })
    job('job_d', 'claimed', { gross: 300 })
    job('job_1', 'settled', { gross: 100, seller: 95, releaseAt: now + 20_000 })
    job('job_2', 'settled', { gross: 100, seller: 90, releaseAt: now + 10_000 })
    expect(earnings().summary({ span: '6h', zone: 'UTC', by: 'instrument' })).toMatchObject({
      pendingNano: 1_000,
      heldNano: 0,
      nextRelease: { at: now + 10_000, amountNano: 90 },
    })
  })
})
