/** Whether a supplier's claim speaks of the job it was given and of the text that arrived. */
import { answerMac, verifyClaim } from '#books/receipts.ts'
import type { Claim } from '#contract/receipt.ts'

import type { RoutedJob } from '../jobs/routed-job.ts'

/**
 * Null when the claim holds, else what is wrong with it. The supplier's own token count may differ: the exchange bills
 * its own.
 */
export function claimProblem(job: RoutedJob, claim: Claim, claimSig: string): string | null {
  const { spec } = job.order
  if (claim.jobId !== job.jobId) return 'it names another job'
  if (claim.supplier !== job.supplier) return 'it names another supplier'
  if (claim.instrument !== spec.instrument || claim.specVersion !== spec.version) return 'it names another grade'
  if (claim.modelSha256 !== job.modelSha256) return 'it names another model than the one offered'
  if (claim.finish === 'cancelled' && !job.cancelled) return 'nobody cancelled this job'
  if (claim.requestMac !== job.requestMac) return 'its requestMac is not that of the request'
  if (claim.answerMac !== answerMac(job.salt, job.answer.text))
    return 'its answerMac is not that of the text that arrived'
  if (!verifyClaim({ claim, claimSig })) return 'its signature is not valid'
  return null
}
