/**
 * The transcript of one finished exam, as it is stored, hashed, signed and handed out. Source: docs/exam.md, Evidence.
 */
import { z } from 'zod'

import { gradeSpec } from '#contract/grades.ts'
import { deploymentId, digest, epochMs, examId, publicKey, signature, tokens } from '#contract/primitives.ts'
import { engineIdentity, examLimitView, remoteEngineIdentity } from '#contract/supplier.ts'

import { REPLY_CHARS_MAX } from './check-answer.ts'
import { SEED_PATTERN } from './generate-items.ts'
import { EXTRA_MAX, LOAD_CALLS_MAX, ROUNDS_MAX } from './exam-plan.ts'
import type { RecordedItem } from './exam-types.ts'

/** Replies of load calls may be longer than any answer that is read. */
const REPLY_MAX = 16 * REPLY_CHARS_MAX
const ITEMS_MAX = 8 * (ROUNDS_MAX + EXTRA_MAX) + 2 * LOAD_CALLS_MAX

const limit = examLimitView.strict()
const count = z.strictObject({ n: z.number().int().min(0).max(1e6), k: z.number().int().min(0).max(1e6) })

/** An engine behind somebody else's endpoint: nothing attests what it runs, so no hash stands here. */
const remoteIdentity = remoteEngineIdentity.omit({ sha256: true })

const transcriptItem = z.strictObject({
  itemId: z.string().max(64),
  phase: z.enum(['items', 'single', 'slots']),
  /**
   * What the exchange saw; null when the seller no longer holds it (its process was killed, say). Only a wrong call of
   * a witnessed exam may do without.
   */
  reply: z.string().max(REPLY_MAX).nullable(),
  right: z.boolean(),
  reason: z.string().max(80),
  ttftMs: z.number().min(0).nullable(),
  tokens,
  tokPerS: z.number().min(0).nullable(),
  /**
   * The exchange's countersignature over examItemText (evidence.ts); null unless witnessed. `replySha256` stands where
   * the reply is missing, and only there.
   */
  witness: z.strictObject({ arrivedAt: epochMs, sig: signature, replySha256: digest.optional() }).nullable(),
})
export type TranscriptItem = z.infer<typeof transcriptItem>
/** The judged call inside a transcript's item, without reply and countersignature. */
export const recordedOf = ({
  itemId,
  phase,
  right,
  reason,
  ttftMs,
  tokens,
  tokPerS,
}: TranscriptItem): RecordedItem => ({ itemId, phase, right, reason, ttftMs, tokens, tokPerS })

export const transcriptSchema = z.strictObject({
  v: z.literal(1),
  examId,
  /**
   * self: the app drew the seed. witnessed: an exchange committed to it and countersigned every reply. rerun: a second
   * party repeated `rerunOf`.
   */
  class: z.enum(['self', 'witnessed', 'rerun']),
  rerunOf: digest.nullable(),
  spec: gradeSpec,
  seed: z.string().regex(SEED_PATTERN),
  /** SHA-256 of the seed, published before the first item. */
  commitment: digest.nullable(),
  deploymentId,
  identity: z.discriminatedUnion('kind', [engineIdentity, remoteIdentity]),
  slots: z.number().int().min(1).max(1_024),
  sampling: z.strictObject({ temperature: z.number(), topP: z.number(), topK: z.number(), minP: z.number() }),
  attempt: z.number().int().positive(),
  carried: z.record(z.string().max(80), count),
  startedAt: epochMs,
  endedAt: epochMs,
  /** In the order of the plan: exactly the calls that count. */
  items: z.array(transcriptItem).max(ITEMS_MAX),
  limits: z.array(limit).max(32),
  verdict: z.enum(['passed', 'not-reached', 'undecided']),
  validUntil: epochMs.nullable(),
  /** The exchange's signature over examResultText (evidence.ts); null unless witnessed. */
  result: z.strictObject({ exchange: publicKey, at: epochMs, sig: signature }).nullable(),
  supplier: publicKey,
  /**
   * Ed25519 by `supplier` over transcriptText. The last of 86 characters carries two bits; the other four are zero, so
   * that a signature has one spelling.
   */
  supplierSig: signature.regex(/[AQgw]$/),
})
export type Transcript = z.infer<typeof transcriptSchema>
