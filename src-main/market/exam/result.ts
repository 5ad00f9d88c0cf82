/** The signed end of an exam, with its seed revealed. */
import { examResultText } from '#exam/evidence.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import type { ExamLimitView, ExchangeFrame } from '#contract/supplier.ts'
import type { SigningKey } from '#lib/ed25519.ts'

type ResultFrame = Extract<ExchangeFrame, { t: 'exam.result' }>

export const resultFrame = (key: SigningKey, result: { examId: string; verdict: ResultFrame['verdict']; limits: ExamLimitView[]; seed: string; at: number; validUntil: number | null }): ResultFrame => ({
  t: 'exam.result', ...result, examId: brandId<ExamId>(result.examId), sig: key.sign(examResultText(result)),
})
