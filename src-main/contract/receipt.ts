/**
 * Claims (the seller's) and receipts (countersigned by the exchange). Canonical form RFC 8785; see docs/protocol.md.
 * Version 1 is frozen (docs/protocol-1.md); a chain may hold receipts of both, those of version 1 first.
 */
import { z } from 'zod'

import {
  count,
  currency,
  digest,
  epochMs,
  instrument,
  jobId,
  nanoAmount,
  ordinal,
  price,
  prices,
  publicKey,
  realm,
  sha256,
  signature,
  signedTime,
  tokens,
  unitScale,
  v1Currency,
} from './primitives.ts'

const claimFacts = {
  jobId,
  supplier: publicKey,
  instrument,
  specVersion: ordinal,
  modelSha256: sha256,
  /** Reference-token counts by the seller; the exchange bills its own. */
  usage: z.object({ inputTokens: tokens, outputTokens: tokens }),
  timings: z.object({ ttftMs: count, durationMs: count }),
  /**
   * HMAC-SHA-256 under the job's salt of the canonical request and of the answer: its UTF-8 bytes in version 1, the
   * canonical JSON of {content, reasoning, toolCalls} in version 2. The salt goes to buyer and seller only.
   */
  requestMac: digest,
  answerMac: digest,
  finish: z.enum(['stop', 'length', 'cancelled']),
}

export const claimV1 = z.object({ v: z.literal(1), ...claimFacts })
export type ClaimV1 = z.infer<typeof claimV1>
export const claimV2 = z.object({
  v: z.literal(2),
  ...claimFacts,
  /** Merkle root over token ids and top-5 log-probabilities; null while the exchange audits no fingerprints. */
  logprobRoot: digest.nullable(),
})
export type ClaimV2 = z.infer<typeof claimV2>
export const claim = z.discriminatedUnion('v', [claimV1, claimV2])
export type Claim = z.infer<typeof claim>

export const signedClaim = z.object({ claim, claimSig: signature })
export type SignedClaim = z.infer<typeof signedClaim>

/** What the exchange signs: canonical JSON of a receipt without `exchangeSig`. */
const receiptFacts = {
  claimSig: signature,
  /**
   * 1, 2, 3 … per supplier; prev is the SHA-256 of the canonical form of the receipt before, of either version, 64 zeros
   * for the first.
   */
  seq: ordinal,
  prev: digest,
  realm,
  feeBps: z.number().int().min(0).max(10_000),
  grossNano: nanoAmount,
  feeNano: nanoAmount,
  sellerNano: nanoAmount,
  exchange: publicKey,
  exchangeSig: signature,
}

export const receiptV1 = z.object({
  v: z.literal(1),
  claim: claimV1,
  ...receiptFacts,
  currency: v1Currency,
  billed: z.object({ inputTokens: tokens, outputTokens: tokens }),
  priceNanoPerMtok: price,
  settledAt: epochMs,
  releaseAt: epochMs,
})
export type ReceiptV1 = z.infer<typeof receiptV1>

/** Amounts are integers of 10^-scale of the unit; their names are those of version 1. */
export const receiptV2 = z.object({
  v: z.literal(2),
  claim: claimV2,
  ...receiptFacts,
  unit: z.object({ code: currency, scale: unitScale }),
  /** Each token once: `inputTokens` without what is in `cachedInputTokens`. */
  billed: z.object({ inputTokens: tokens, cachedInputTokens: tokens, outputTokens: tokens }),
  price: prices,
  settledAt: signedTime,
  releaseAt: signedTime,
})
export type ReceiptV2 = z.infer<typeof receiptV2>

export const receipt = z.discriminatedUnion('v', [receiptV1, receiptV2])
export type Receipt = z.infer<typeof receipt>
