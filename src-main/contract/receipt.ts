/**
 * Claims (the seller's) and receipts (countersigned by the exchange). Canonical form RFC 8785; see docs/protocol.md.
 */
import { z } from 'zod'

import {
  digest,
  epochMs,
  instrument,
  jobId,
  nanoAmount,
  price,
  publicKey,
  realm,
  sha256,
  signature,
  tokens,
  v1Currency,
} from './primitives.ts'

export const claim = z.object({
  v: z.literal(1),
  jobId,
  supplier: publicKey,
  instrument,
  specVersion: z.number().int().positive(),
  modelSha256: sha256,
  /** Reference-token counts by the seller; the exchange bills its own. */
  usage: z.object({ inputTokens: tokens, outputTokens: tokens }),
  timings: z.object({ ttftMs: z.number().int().min(0), durationMs: z.number().int().min(0) }),
  /**
   * HMAC-SHA-256 under the job's salt of the canonical request and of the answer's UTF-8 bytes. The salt goes to buyer
   * and seller only.
   */
  requestMac: digest,
  answerMac: digest,
  finish: z.enum(['stop', 'length', 'cancelled']),
})
export type Claim = z.infer<typeof claim>

export const signedClaim = z.object({ claim, claimSig: signature })
export type SignedClaim = z.infer<typeof signedClaim>

/** What the exchange signs: canonical JSON of this object without `exchangeSig`. */
export const receipt = z.object({
  v: z.literal(1),
  claim,
  claimSig: signature,
  /**
   * 1, 2, 3 … per supplier; prev is the SHA-256 of the canonical form of the receipt before, 64 zeros for the first.
   */
  seq: z.number().int().positive(),
  prev: digest,
  realm,
  currency: v1Currency,
  billed: z.object({ inputTokens: tokens, outputTokens: tokens }),
  priceNanoPerMtok: price,
  feeBps: z.number().int().min(0).max(10_000),
  grossNano: nanoAmount,
  feeNano: nanoAmount,
  sellerNano: nanoAmount,
  settledAt: epochMs,
  releaseAt: epochMs,
  exchange: publicKey,
  exchangeSig: signature,
})
export type Receipt = z.infer<typeof receipt>
