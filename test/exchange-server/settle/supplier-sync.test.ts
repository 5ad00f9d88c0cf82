/** What a supplier is told after a reconnect; pages of receipts are in ../sync.test.ts. */
import { describe, expect, it } from 'vitest'

import { nano } from '#contract/money.ts'
import { releaseDue } from '#exchange-server/settle/releases.ts'
import { reserveFor, settleJob, voidJob } from '#exchange-server/settle/exchange-settlement.ts'
import { syncResult } from '#exchange-server/settle/supplier-sync.ts'

import { settleRig, type SettleRig } from './settle-rig.ts'

function settle(rig: SettleRig, jobId: string): void {
  const job = rig.job(jobId, { reserveNano: nano(15_000) })
  reserveFor(rig.context, job)
  const { claim, claimSig } = rig.claim(job)
  settleJob(rig.context, job, claim, claimSig)
}

describe('sync', () => {
  it('says how each open job stands, and knows nothing of another supplier’s', () => {
    const rig = settleRig()
    settle(rig, 'job_settled')
    const [running, failed, foreign] = [
      rig.job('job_running'),
      rig.job('job_void'),
      rig.job('job_foreign', { supplier: rig.addSupplier().publicKey }),
    ]
    for (const job of [running, failed, foreign]) reserveFor(rig.context, job)
    voidJob(rig.context, failed, 'deadline', 'late')
    const openJobs = ['job_settled', 'job_running', 'job_void', 'job_foreign', 'job_never'] as never[]
    const result = syncResult(rig.context, rig.seller.publicKey, {
      t: 'sync',
      afterReceiptSeq: 1,
      afterReleaseSeq: 0,
      openJobs,
    })
    expect(result).toEqual({
      t: 'sync.result',
      receipts: [],
      releases: [],
      jobs: ['settled', 'pending', 'void', 'unknown', 'unknown'].map((state, at) => ({ jobId: openJobs[at], state })),
      more: false,
    })
    rig.context.db.close()
  })

  it('pages releases too where all receipts are known already', () => {
    const rig = settleRig()
    rig.freeHolds(501)
    rig.clock.jump(30_000)
    releaseDue(rig.context)
    const page = (afterReleaseSeq: number): [count: number, more: boolean] => {
      const result = syncResult(rig.context, rig.seller.publicKey, {
        t: 'sync',
        afterReceiptSeq: 501,
        afterReleaseSeq,
        openJobs: [],
      })
      if (result.t !== 'sync.result') throw new Error('no answer')
      return [result.releases.length, result.more]
    }
    expect([page(0), page(1), page(500)]).toEqual([
      [500, true],
      [500, false],
      [1, false],
    ])
    rig.context.db.close()
  })
})
