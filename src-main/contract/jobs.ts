/** Jobs won, live and past. Prompts and answers are never stored, so they are never here. */
import { z } from 'zod'

import { ID_PATTERN } from './ids.ts'
import {
  currency,
  epochMs,
  instrument,
  jobId,
  nanoAmount,
  prices,
  reason,
  sha256,
  tokens,
  venueId,
} from './primitives.ts'
import { receipt } from './receipt.ts'
import { method } from './scope.ts'

/**
 * `disputed`: its receipt does not agree with what we counted or with the stated terms, so nothing of it was booked.
 */
export const jobStates = z.enum(['running', 'claimed', 'settled', 'disputed', 'void', 'failed', 'rejected'])

/**
 * One way in which the money of a receipt differs from our own record. Counts in reference tokens, PRICE in nano-units
 * per million tokens, FEE in hundredths of a per cent, HOLD in milliseconds.
 */
export const receiptDifference = z.object({
  code: z.enum(['INPUT_COUNT', 'OUTPUT_COUNT', 'PRICE', 'FEE', 'HOLD']),
  ours: z.number().int(),
  theirs: z.number().int(),
})
export type ReceiptDifference = z.infer<typeof receiptDifference>

export const job = z.object({
  venueId,
  jobId,
  instrument,
  sha256,
  state: jobStates,
  /** Why it ended so; null when settled. */ reason: reason.nullable(),
  startedAt: epochMs,
  endedAt: epochMs.nullable(),
  finish: z.enum(['stop', 'length', 'cancelled']).nullable(),
  inputTokens: tokens.nullable(),
  outputTokens: tokens.nullable(),
  enginePromptTokens: tokens.nullable(),
  engineCachedTokens: tokens.nullable(),
  engineGeneratedTokens: tokens.nullable(),
  ttftMs: z.number().nullable(),
  durationMs: z.number().nullable(),
  tokPerS: z.number().nullable(),
  price: prices,
  currency,
  grossNano: nanoAmount.nullable(),
  feeNano: nanoAmount.nullable(),
  sellerNano: nanoAmount.nullable(),
  /**
   * With receipts pending → held → available; on a venue without them pending → acknowledged → accrued → available →
   * paid → received. `disputed`: gross, fee and seller are what the exchange says; no sum contains them. `written-off`: held once, given up by
   * the owner.
   */
  money: z.enum([
    'none',
    'pending',
    'acknowledged',
    'accrued',
    'held',
    'available',
    'paid',
    'received',
    'disputed',
    'written-off',
  ]),
  releaseAt: epochMs.nullable(),
  powerNano: z.number().nullable(),
  receiptSeq: z.number().int().nullable(),
})
export type Job = z.infer<typeof job>

const jobsList = z.object({
  venueId,
  /** `next` of the page before this one. */ before: z.string().max(120).nullable().default(null),
  /** Down to this place and no further, a `next` as well, its job included: a page that loses nothing while new jobs come. */
  downTo: z.string().max(120).nullable().default(null),
  /** Begins at the jobs that started before this time; without effect beside `before`. */
  startedBefore: epochMs.nullable().default(null),
  /** Jobs whose id begins so; `downTo`, `startedBefore` and the filters are then not looked at. */
  idPrefix: z.string().regex(ID_PATTERN).nullable().default(null),
  limit: z.number().int().min(1).max(200).default(50),
  state: jobStates.nullable().default(null),
  instrument: instrument.nullable().default(null),
})

export const jobsContract = {
  list: method('read', ['NOT_FOUND'])
    .input(jobsList)
    .output(z.object({ jobs: z.array(job), next: z.string().nullable() })),
  get: method('read', ['NOT_FOUND'])
    .input(z.object({ venueId, jobId }))
    .output(
      job.extend({
        receipt: receipt.nullable(),
        verified: z.object({ ok: z.boolean(), shown: z.array(z.string()), notShown: z.array(z.string()) }).nullable(),
        /** Why the receipt is disputed; empty when it is not. */
        differences: z.array(receiptDifference),
      }),
    ),
}
/** What a caller of `jobs.list` gives, all of it. */
export type JobsListInput = z.output<typeof jobsList>
