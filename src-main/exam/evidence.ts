/** Texts that are signed about an exam (UTF-8, Ed25519). Wire format: docs/exam.md, Evidence; docs/protocol.md. */
import type { ExamLimitView } from '#contract/supplier.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'

/** What the exchange commits to before the first item: lower-case hexadecimal SHA-256 of the seed's UTF-8 bytes. */
export const seedCommitment = (seed: string): string => sha256Hex(seed)

/**
 * Countersignature of one item or load call: its reply's SHA-256 (UTF-8), arrival time in ms since 1970, and the
 * judgement.
 */
export const examItemText = (item: {
  examId: string
  itemId: string
  replySha256: string
  arrivedAt: number
  right: boolean
}): string =>
  `stoker-exam-item-v1\n${item.examId}\n${item.itemId}\n${item.replySha256}\n${item.arrivedAt}\n${item.right}`

/**
 * Signature of the result frame; the limits go in as the SHA-256 of their canonical JSON, `validUntil` as '' when null.
 */
export const examResultText = (result: {
  examId: string
  verdict: string
  limits: readonly ExamLimitView[]
  seed: string
  at: number
  validUntil: number | null
}): string =>
  `stoker-exam-result-v1\n${result.examId}\n${result.verdict}\n${sha256Hex(canonicalJson(result.limits))}\n${result.seed}\n${result.at}\n${result.validUntil ?? ''}`

/** What the seller signs: a domain line, then the canonical JSON (RFC 8785) of the transcript without `supplierSig`. */
export const transcriptText = (unsigned: unknown): string => `stoker-transcript-v1\n${canonicalJson(unsigned)}`
