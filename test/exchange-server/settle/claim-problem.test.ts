/** Every line by which the exchange refuses a claim: each lets a supplier be paid for something it did not do. */
import { describe, expect, it } from 'vitest'

import type { ClaimV1 as Claim } from '#contract/receipt.ts'
import type { RoutedJob } from '#exchange-server/jobs/routed-job.ts'
import { claimProblem } from '#exchange-server/settle/claim-problem.ts'

import { settleRig } from './settle-rig.ts'

function problemOf(claimed: Partial<Claim>, job: Partial<RoutedJob> = {}): string | null {
  const rig = settleRig()
  const live = rig.job('job_1', job)
  live.answer.add('Hello')
  const { claim, claimSig } = rig.claim(live, claimed)
  rig.context.db.close()
  return claimProblem(live, claim, claimSig)
}

describe('a claim', () => {
  it.each<[what: string, claimed: Partial<Claim>, job: Partial<RoutedJob>]>([
    ['of the job, its request and the text that arrived', {}, {}],
    ['whose own token count differs: the exchange bills its own', { usage: { inputTokens: 7, outputTokens: 90 } }, {}],
    ['of a cancelled end, where the job was cancelled', { finish: 'cancelled' }, { cancelled: true }],
    ['of a whole answer, though the job was cancelled meanwhile', { finish: 'stop' }, { cancelled: true }],
  ])('holds: %s', (_, claimed, job) => {
    expect(problemOf(claimed, job)).toBeNull()
  })

  it.each<[problem: string, claimed: Partial<Claim>]>([
    ['it names another job', { jobId: 'job_2' as never }],
    ['it names another supplier', { supplier: 'A'.repeat(43) as never }],
    ['it names another grade', { instrument: 'practice/text-micro' as never }],
    ['it names another grade', { specVersion: 99 }],
    ['it names another model than the one offered', { modelSha256: 'cd'.repeat(32) as never }],
    ['nobody cancelled this job', { finish: 'cancelled' }],
    ['its requestMac is not that of the request', { requestMac: '0'.repeat(64) }],
    ['its answerMac is not that of the text that arrived', { answerMac: '0'.repeat(64) }],
  ])('is refused: %s', (problem, claimed) => {
    expect(problemOf(claimed)).toBe(problem)
  })

  it('is refused without the signature of the supplier it names', () => {
    const rig = settleRig()
    const job = rig.job('job_1')
    const { claim, claimSig } = rig.claim(job, {}, rig.addSupplier())
    expect(claimProblem(job, claim, claimSig)).toBe('its signature is not valid')
    rig.context.db.close()
  })
})
