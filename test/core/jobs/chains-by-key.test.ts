/** Chains are kept per exchange and own key. Catches: a new key whose first receipts are refused as a fork of the old. */
import { join } from 'node:path'

import { call } from '@orpc/server'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'

import { createLedger } from '#core/ledger/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import { generateSigningKey, readKeyText } from '#lib/ed25519.ts'
import type { Seller } from '#test/support/seller.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

import { writeEarlierFolder } from '../../../tools/earlier-folder.ts'
import { onlineSeller, sentFrames } from './online-seller.ts'

const sell = async (made: Seller, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) {
    made.exchange.job()
    await made.drain()
  }
}

/** The next life of the rig, under another key: to the exchange a supplier of whom it knows nothing. */
async function restartUnderNewKey(made: Seller): Promise<void> {
  Object.assign(made, { key: generateSigningKey() })
  made.exchange.receipts.length = 0
  made.exchange.releases.length = 0
  made.exchange.jobs.clear()
  await made.restart()
  made.exchange.online()
  await made.drain()
}

describe('a rig that took a new key', () => {
  it('begins a chain of its own at the same exchange, and keeps the one it had', async () => {
    const made = onlineSeller()
    await sell(made, 3)
    made.exchange.release()
    await made.drain()
    const old = made.key.publicKey
    const oldJob = made.exchange.receipts[2]!.claim.jobId
    await restartUnderNewKey(made)
    await sell(made, 2)
    made.exchange.release()
    await made.drain()
    const inChains = (table: string) =>
      made
        .rows(`SELECT supplier, seq FROM ${table} ORDER BY rowid`)
        .map(({ supplier, seq }) => `${supplier === old ? 'old' : 'new'} ${String(seq)}`)
    expect(inChains('receipts')).toEqual(['old 1', 'old 2', 'old 3', 'new 1', 'new 2'])
    expect(inChains('releases')).toEqual(['old 1', 'new 1'])
    expect(made.jobs.problems()).toEqual([])
    const checking = createLedger(made.context, made.jobs).check()
    await made.drain()
    expect(await checking).toMatchObject({ ok: true, receipts: 5 })
    const { verified, receipt } = await call(
      made.api.get,
      { venueId: VENUE, jobId: oldJob },
      { context: { scopes: ALL_SCOPES } },
    )
    expect([verified?.ok, receipt?.seq]).toEqual([true, 3])
  })

  it('leaves a claim of the old key alone: not sent, not asked for, not let go before its time', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    made.exchange.deliver()
    const state = () => made.rows(`SELECT state FROM jobs WHERE job_id = '${jobId}'`)[0]?.['state']
    for (let turn = 0; turn < 40 && state() !== 'claimed'; turn += 1) await made.clock.advance(10)
    expect(state()).toBe('claimed')
    made.exchange.queue = []
    const before = made.exchange.sent.length
    await restartUnderNewKey(made)
    await sell(made, 1)
    expect(state()).toBe('claimed')
    const later = made.exchange.sent.slice(before)
    expect(later.flatMap((frame) => (frame.t === 'sync' ? frame.openJobs : []))).not.toContain(jobId)
    expect(later.filter((frame) => frame.t === 'job.done' && frame.jobId === jobId)).toEqual([])
    expect(sentFrames(made, 'sync').length).toBeGreaterThan(0)
  })
})

describe('the migration to chains by key', () => {
  it('keeps every row in its order, and takes the key from the claim', () => {
    const dir = tempDir()
    writeEarlierFolder(dir, 60)
    const path = join(dir, 'practice.db')
    openDb({ path, migrations: realmMigrations.filter(({ id }) => id < 170) }).close()
    const rowsOf = (raw: Database.Database): unknown[][] => [
      raw.prepare('SELECT rowid, exchange, seq, job_id, hash, json, settled_at FROM receipts ORDER BY rowid').all(),
      raw.prepare('SELECT rowid, exchange, seq, job_id, amount_nano, at FROM releases ORDER BY rowid').all(),
    ]
    const raw = new Database(path)
    const before = rowsOf(raw)
    openDb({ path, migrations: realmMigrations }).close()
    expect(before.every((rows) => rows.length > 50)).toBe(true)
    expect(rowsOf(raw)).toEqual(before)
    expect(raw.prepare('SELECT supplier FROM receipts UNION SELECT supplier FROM releases').pluck().all()).toEqual([
      readKeyText(join(dir, 'seller.key'))!.key.publicKey,
    ])
    for (const table of ['receipts', 'releases'])
      for (const statement of [`DELETE FROM ${table}`, `UPDATE ${table} SET seq = 9`])
        expect(() => raw.exec(statement)).toThrow('append only')
    raw.close()
  })
})
