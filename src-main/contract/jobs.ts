/** Jobs won, live and past. Prompts and answers are never stored, so they are never here. */
import { z } from 'zod'

import { currency, epochMs, instrument, jobId, nanoAmount, price, sha256, tokens } from './primitives.ts'
import { receipt } from './receipt.ts'
import { method } from './scope.ts'

export const jobStates = z.enum(['running', 'claimed', 'settled', 'void', 'failed', 'rejected'])
export const job = z.object({
  jobId,
  instrument,
  sha256,
  state: jobStates,
  /** Why it ended so, in plain words; empty when settled. */ reason: z.string(),
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
  money: z.enum(['none', 'pending', 'held', 'available']),
  releaseAt: epochMs.nullable(),
  powerNano: z.number().nullable(),
  receiptSeq: z.number().int().nullable(),
})
export type Job = z.infer<typeof job>

export const jobsContract = {
  list: method('read')
    .input(
      z.object({
        before: z.string().max(120).nullable().default(null),
        limit: z.number().int().min(1).max(200).default(50),
        state: jobStates.nullable().default(null),
        instrument: instrument.nullable().default(null),
      }),
    )
    .output(z.object({ jobs: z.array(job), next: z.string().nullable() })),
  get: method('read')
    .input(z.object({ jobId }))
    .output(
      job.extend({
        receipt: receipt.nullable(),
        verified: z.object({ ok: z.boolean(), shown: z.array(z.string()), notShown: z.array(z.string()) }).nullable(),
      }),
    ),
}
