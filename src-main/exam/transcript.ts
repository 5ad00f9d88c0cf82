/** Building and signing a transcript. Source: docs/exam.md, Evidence. */
import { fail } from '#contract/errors.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'
import type { SigningKey } from '#lib/ed25519.ts'

import { EXAM_SAMPLING } from './exam-calls.ts'
import { transcriptText } from './evidence.ts'
import { createExamSession } from './exam-session.ts'
import { recordedOf, transcriptSchema, type Transcript } from './transcript-schema.ts'

export type { Transcript, TranscriptItem } from './transcript-schema.ts'
export { verifyTranscript } from './verify-transcript.ts'

type Computed = 'v' | 'sampling' | 'limits' | 'verdict' | 'supplier' | 'supplierSig' | 'rerunOf' | 'carried'
export interface TranscriptInput extends Omit<Transcript, Computed> {
  carried?: Transcript['carried']
  rerunOf?: string | null
}

/**
 * Puts the calls that count into the plan's order (`items` may come in any order and hold more), computes limits and
 * verdict from them, and signs. `sha256` is that of the UTF-8 bytes of `json`. Throws CONFLICT when the attempt is not
 * finished.
 */
export function buildTranscript(
  input: TranscriptInput,
  key: SigningKey,
): { json: string; sha256: string; transcript: Transcript } {
  const byId = new Map(input.items.map((item) => [item.itemId, item]))
  const { carried = {}, rerunOf = null } = input
  const session = createExamSession({
    spec: input.spec,
    seed: input.seed,
    slots: input.slots,
    resumeFrom: input.items.map(recordedOf),
    carried,
  })
  const { verdict, limits } = session.state()
  if (verdict === null)
    throw fail(
      'exam.notFinished',
      {},
      {
        data: { examId: input.examId },
      },
    )
  const items = session.counted().map((item) => byId.get(item.itemId)!)
  const unsigned = {
    ...input,
    v: 1 as const,
    carried,
    rerunOf,
    sampling: { ...EXAM_SAMPLING },
    items,
    limits,
    verdict,
    supplier: key.publicKey,
  }
  const transcript = transcriptSchema.parse({ ...unsigned, supplierSig: key.sign(transcriptText(unsigned)) })
  const json = canonicalJson(transcript)
  return { json, sha256: sha256Hex(json), transcript }
}
