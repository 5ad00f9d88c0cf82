/**
 * Jobs that end while the disk takes nothing. Catches: a job that stays open in the books until its time is over, or for
 * ever, because its end could not be written once; the same reservation at the exchange until its next start.
 */
import { describe, expect, it, onTestFinished } from 'vitest'

import { MINUTE_MS } from '#contract/time.ts'
import { findJob } from '#core/jobs/index.ts'
import { Seller } from '#test/support/seller.ts'
import { HAS_SMALL_DISKS, smallDisk } from '#test/support/small-disk.ts'

describe.skipIf(!HAS_SMALL_DISKS)('a job that fails on a full disk', () => {
  it('is recorded as failed when the disk is back, without a restart', async () => {
    const disk = smallDisk(4)!
    const seller = new Seller(disk.path, { engine: { manual: true } })
    onTestFinished(() => {
      seller.close()
      disk.remove()
    })
    const { exchange, clock } = seller
    exchange.online()
    exchange.deliverAll()
    const jobId = exchange.job({ content: 'what is left' })
    exchange.deliver()
    const state = (): string | undefined => findJob(seller.context.realmDb.read, jobId)?.state
    expect(state()).toBe('running')
    disk.fill()
    // What the log still has room for.
    const bulk = seller.context.realmDb
    for (let more = true; more;)
      try {
        bulk.tx((db) =>
          db.prepare("INSERT INTO recorded_events (at, topic, code, params) VALUES (0, 'x', 'x', '{}')").run(),
        )
      } catch {
        more = false
      }
    seller.jobs.yieldAll()
    expect([state(), seller.jobs.live()]).toEqual(['running', []])
    expect(() => seller.jobs.recordRemaining()).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    disk.free()
    await clock.advance(MINUTE_MS)
    expect(state()).toBe('failed')
  })
})
