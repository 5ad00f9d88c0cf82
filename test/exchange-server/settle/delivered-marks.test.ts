/** Marks are written with whatever comes next, and none is lost by what fails. */
import { describe, expect, it } from 'vitest'

import type { Db } from '#db/db-types.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'
import { DeliveredMarks } from '#exchange-server/settle/delivered-marks.ts'
import { insertUndelivered, undelivered } from '#exchange-server/store/refunds.store.ts'
import { insertBuyer } from '#exchange-server/store/buyers.store.ts'

import { settleRig } from './settle-rig.ts'

const left = (db: Db): string[] =>
  undelivered.all(db.read, `SELECT ${undelivered.columns} FROM undelivered ORDER BY job_id`).map(({ jobId }) => jobId)

/** So many settled jobs without a mark. */
function setup(count: number) {
  const rig = settleRig()
  rig.freeHolds(count)
  const { db } = rig.context
  const ids = Array.from({ length: count }, (_, index) => `job_${index + 1}`)
  db.tx((write) => ids.forEach((jobId) => insertUndelivered(write, jobId, 0)))
  const marks = new DeliveredMarks(rig.clock)
  return { clock: rig.clock, db, riding: marks.ridingOn(db), marks, ids }
}

describe('a delivered mark', () => {
  it('goes with the next transaction, whatever that writes, and only those that were given', () => {
    const { db, riding, marks } = setup(2)
    marks.add('job_2')
    expect(left(db)).toEqual(['job_1', 'job_2'])
    expect(riding.tx((write) => insertBuyer(write, { buyerId: 'x', name: 'x', practice: false }, 0))).toBe(true)
    expect(left(db)).toEqual(['job_1'])
    db.close()
  })

  it('is written by itself a second after the first that waits, once', async () => {
    const { clock, db, marks } = setup(3)
    marks.add('job_1')
    await clock.advance(999)
    marks.add('job_2')
    expect(left(db)).toHaveLength(3)
    await clock.advance(1)
    expect(left(db)).toEqual(['job_3'])
    expect(clock.waiting).toBe(0)
    marks.add('job_3')
    await clock.advance(1_000)
    expect(left(db)).toEqual([])
    db.close()
  })

  it('waits on when its transaction fails', async () => {
    const { clock, db, riding, marks } = setup(1)
    marks.add('job_1')
    expect(() =>
      riding.tx(() => {
        throw new Error('no credit')
      }),
    ).toThrow('no credit')
    expect(left(db)).toEqual(['job_1'])
    riding.tx(() => undefined)
    expect(left(db)).toEqual([])
    await clock.advance(1_000)
    expect(clock.waiting).toBe(0)
    db.close()
  })

  it('is tried again every second while the database takes nothing', async () => {
    const { clock, db, marks } = setup(1)
    const full: Db = {
      ...db,
      tx: () => {
        throw new Error('database or disk is full')
      },
    }
    marks.ridingOn(full)
    marks.add('job_1')
    await clock.advance(2_500)
    expect([left(db).length, clock.waiting]).toEqual([1, 1])
    marks.ridingOn(db)
    await clock.advance(500)
    expect(left(db)).toEqual([])
    db.close()
  })

  it('comes with at most so many others a transaction; the end of the exchange writes all that wait', () => {
    const { db, riding, marks, ids } = setup(LIMITS.marksAtOnce * 2 + 1)
    for (const jobId of ids) marks.add(jobId)
    riding.tx(() => undefined)
    expect(left(db)).toHaveLength(LIMITS.marksAtOnce + 1)
    riding.tx(() => undefined)
    expect(left(db)).toEqual([ids.at(-1)])
    marks.stop()
    marks.flush()
    expect(left(db)).toEqual([])
    db.close()
  })

  it('after the end starts no timer', () => {
    const { clock, db, marks } = setup(1)
    marks.add('job_1')
    expect(clock.waiting).toBe(1)
    marks.stop()
    marks.add('job_1')
    expect(clock.waiting).toBe(0)
    db.close()
  })
})
