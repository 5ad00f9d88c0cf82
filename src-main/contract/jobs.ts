/** Jobs won, live and past. Prompts and answers are never stored, so they are never here. */
import { z } from 'zod'

import { currency, epochMs, instrument, jobId, nanoAmount, price, reason, sha256, tokens } from './primitives.ts'
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
  priceNanoPerMtok: price,
  currency,
  grossNano: nanoAmount.nullable(),
  feeNano: nanoAmount.nullable(),
  sellerNano: nanoAmount.nullable(),
  /** `disputed`: gross, fee and seller are what the exchange says; no sum contains them. */
  money: z.enum(['none', 'pending', 'held', 'available', 'disputed']),
  releaseAt: epochMs.nullable(),
  powerNano: z.number().nullable(),
  receiptSeq: z.number().int().nullable(),
})
export type Job = z.infer<typeof job>

export const jobsContract = {
  list: method('read', [])
    .input(
      z.object({
        before: z.string().max(120).nullable().default(null),
        limit: z.number().int().min(1).max(200).default(50),
        state: jobStates.nullable().default(null),
        instrument: instrument.nullable().default(null),
      }),
    )
    .output(z.object({ jobs: z.array(job), next: z.string().nullable() })),
  get: method('read', ['NOT_FOUND'])
    .input(z.object({ jobId }))
    .output(
      job.extend({
        receipt: receipt.nullable(),
        verified: z.object({ ok: z.boolean(), shown: z.array(z.string()), notShown: z.array(z.string()) }).nullable(),
        /** Why the receipt is disputed; empty when it is not. */
        differences: z.array(receiptDifference),
      }),
    ),
}
