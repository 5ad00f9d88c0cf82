/** Whether a supplier's claim speaks of the job it was given and of the text that arrived. */
import { answerMac, answerMacV2, plainAnswer, verifyClaim } from '#books/receipts.ts'
import type { Claim } from '#contract/receipt.ts'

import type { RoutedJob } from '../jobs/routed-job.ts'

/**
 * Null when the claim holds, else what is wrong with it. The supplier's own token count may differ: the exchange bills
 * its own.
 */
export function claimProblem(job: RoutedJob, claim: Claim, claimSig: string): string | null {
  const { spec } = job.order
  if (claim.v !== job.protocol) return `it is of version ${claim.v} and the job is of protocol ${job.protocol}`
  if (claim.jobId !== job.jobId) return 'it names another job'
  if (claim.supplier !== job.supplier) return 'it names another supplier'
  if (claim.instrument !== spec.instrument || claim.specVersion !== spec.version) return 'it names another grade'
  if (claim.modelSha256 !== job.modelSha256) return 'it names another model than the one offered'
  if (claim.finish === 'cancelled' && !job.cancelled) return 'nobody cancelled this job'
  if (claim.requestMac !== job.requestMac) return 'its requestMac is not that of the request'
  const { text } = job.answer
  const mac = claim.v === 1 ? answerMac(job.salt, text) : answerMacV2(job.salt, plainAnswer(text))
  if (claim.v === 2 && claim.logprobRoot !== null) return 'it has a logprobRoot, which this exchange did not ask for'
  if (claim.answerMac !== mac) return 'its answerMac is not that of the text that arrived'
  if (!verifyClaim({ claim, claimSig })) return 'its signature is not valid'
  return null
}
