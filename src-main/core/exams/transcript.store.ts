/** Puts a finished exam's stored calls into a signed transcript. */
import { brandId, type DeploymentId, type ExamId, type ModelSha256, type PublicKey } from '#contract/ids.ts'
import type { DeploymentFacts } from '#core/core-context.ts'
import type { ExamResult } from '#core/venues/index.ts'
import { seenReply } from '#exam/seen-reply.ts'
import { buildTranscript, type TranscriptItem } from '#exam/transcript.ts'
import type { ReadDb } from '#db/db-types.ts'
import type { SigningKey } from '#lib/ed25519.ts'

import { examItems, type SellerExamRow, type SellerExamItemRow } from './exams.store.ts'

function transcriptItem(row: SellerExamItemRow): TranscriptItem | null {
  const { itemId, phase, right, reason, ttftMs, tokens, tokPerS, replySha256, arrivedAt, sig } = row
  if (right === null || tokens === null || replySha256 === null || arrivedAt === null || sig === null) return null
  const reply = seenReply(row.reply ?? '', { replySha256, tokens })
  return {
    itemId,
    phase,
    reply,
    right,
    reason,
    ttftMs,
    tokens,
    tokPerS,
    witness: { arrivedAt, sig, ...(reply === null ? { replySha256 } : {}) },
  }
}

/** On remote servers: where, and what they say they run. Nothing attests it. */
type Remote = NonNullable<DeploymentFacts['remote']>

/** Throws CONFLICT when calls that count are missing here, ZodError when a field is out of bounds. */
export function transcriptFor(
  db: ReadDb,
  exam: SellerExamRow,
  { result, remote }: { result: ExamResult; remote: Remote | null },
  key: SigningKey,
): { json: string; sha256: string } {
  const items = examItems(db, exam.examId)
    .map(transcriptItem)
    .filter((item) => item !== null)
  const { json, sha256 } = buildTranscript(
    {
      examId: brandId<ExamId>(exam.examId),
      class: exam.evidence,
      spec: exam.spec,
      seed: result.seed,
      commitment: exam.commitment,
      deploymentId: brandId<DeploymentId>(exam.deploymentId),
      identity:
        remote === null
          ? { kind: 'gguf', sha256: brandId<ModelSha256>(exam.sha256), engine: exam.engine, device: exam.device }
          : { kind: 'remote', ...remote, attested: false, engine: exam.engine, device: exam.device },
      slots: exam.slots,
      attempt: exam.attempt,
      carried: exam.carried,
      startedAt: exam.startedAt,
      endedAt: result.at,
      items,
      validUntil: result.validUntil,
      result: { exchange: brandId<PublicKey>(exam.exchange), at: result.at, sig: result.sig },
    },
    key,
  )
  return { json, sha256 }
}
