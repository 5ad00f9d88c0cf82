/** Reservations of jobs that end while the exchange's disk takes nothing: they end when it is back, without a restart. */
import { describe, expect, it, onTestFinished } from 'vitest'

import { FakeClock } from '#test/support/fake-clock.ts'
import { HAS_SMALL_DISKS, smallDisk } from '#test/support/small-disk.ts'
import { until } from '#test/support/until.ts'

import { balances, books, buyerKey, listed, NANO, say } from './exchange-support.ts'

describe.skipIf(!HAS_SMALL_DISKS)('a job that fails on a full disk', () => {
  it('keeps its reservation no longer than that; the buyer hears of it at once, without a path', async () => {
    const disk = smallDisk(6)!
    onTestFinished(() => disk.remove())
    const clock = new FakeClock()
    const { exchange, supplier, client } = await listed({ dir: disk.path, clock })
    supplier.onJob = () => undefined
    const call = client.chat.completions.create({ model: NANO, messages: say('Hi') })
    const failed = call.then(
      () => 'served',
      (error: Error) => error.message,
    )
    await until('the job', () => supplier.jobs.length === 1)
    disk.fill()
    // What the log still has room for.
    await until('the disk to take no more', () =>
      buyerKey(exchange).then(
        () => false,
        () => true,
      ),
    )
    supplier.send({ t: 'job.delta', jobId: supplier.jobs[0]!.jobId, text: 'begun' })
    supplier.socket.terminate()
    await until('the session to be given up', async () => {
      await clock.advance(5_000)
      return supplier.socket.readyState === 3
    })
    for (let turn = 0; turn < 4; turn += 1) await clock.advance(5_000)
    expect(await failed).not.toContain(disk.path)
    expect(balances(exchange, supplier.key.publicKey).reserved).toBeGreaterThan(0)
    disk.free()
    await clock.advance(10_000)
    expect(balances(exchange, supplier.key.publicKey).reserved).toBe(0)
    expect(books(exchange).check()).toMatchObject({ ok: true })
  })
})
