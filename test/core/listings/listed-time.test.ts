/** Catches: listed time that is lost at a stop, a change of the connection or a gap; a commit every ten seconds. */
import { join } from 'node:path'

import { expect, it, onTestFinished } from 'vitest'

import { MINUTE_MS, SECOND_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { countListedTime } from '#core/listings/listed-time.worker.ts'
import { listedTime } from '#core/listings/listings.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { tempDir } from '#test/support/temp-dir.ts'

it('is written after ten seconds, then every five minutes, when the connection changes, and at the end', async () => {
  const clock = new FakeClock()
  const db = openDb({ path: join(tempDir(), 'practice.db'), migrations: realmMigrations })
  onTestFinished(() => db.close())
  let commits = 0
  const realmDb = { ...db, tx: <T>(work: Parameters<typeof db.tx<T>>[0]) => ((commits += 1), db.tx(work)) }
  let kind = 'online'
  const context = { realmDb, clock, venue: { state: () => ({ kind }) }, log: {} } as unknown as VenueContext
  const stop = countListedTime(context, () => true)
  const seen = () => ({ commits, ...listedTime(db.read, 0) })
  await clock.advance(10 * SECOND_MS)
  expect(seen()).toEqual({ commits: 1, listedMs: 10_000, connectedMs: 10_000 })
  await clock.advance(5 * MINUTE_MS)
  expect(seen()).toEqual({ commits: 2, listedMs: 310_000, connectedMs: 310_000 })
  await clock.advance(20 * SECOND_MS)
  kind = 'offline'
  await clock.advance(20 * SECOND_MS)
  expect(seen()).toEqual({ commits: 3, listedMs: 330_000, connectedMs: 330_000 })
  // A machine that slept: what came before counts, the sleep does not.
  clock.jump(10 * MINUTE_MS)
  await clock.advance(10 * SECOND_MS)
  expect(seen()).toEqual({ commits: 4, listedMs: 350_000, connectedMs: 330_000 })
  await clock.advance(10 * SECOND_MS)
  stop()
  expect(seen()).toMatchObject({ listedMs: 370_000, connectedMs: 330_000 })
})
