/** Frames the exchange signs: the judgement of one call, and the end of an exam with its seed revealed. */
import { examItemText, examResultText } from '#exam/evidence.ts'
import { brandId, type ExamId } from '#contract/ids.ts'
import type { ExamLimitView, ExchangeFrame } from '#contract/supplier.ts'
import type { SigningKey } from '#lib/ed25519.ts'

import type { StoredItem } from '../store/supplier-exams.store.ts'

export type ResultFrame = Extract<ExchangeFrame, { t: 'exam.result' }>

export const resultFrame = (
  key: SigningKey,
  result: {
    examId: string
    verdict: ResultFrame['verdict']
    limits: ExamLimitView[]
    seed: string
    at: number
    validUntil: number | null
  },
): ResultFrame => ({
  t: 'exam.result',
  ...result,
  examId: brandId<ExamId>(result.examId),
  sig: key.sign(examResultText(result)),
})

/** Ed25519 is deterministic, so the same stored judgement gives the same frame. */
export const itemFrame = (
  key: SigningKey,
  examId: string,
  { item, replySha256, arrivedAt }: StoredItem,
): Extract<ExchangeFrame, { t: 'exam.item' }> => ({
  t: 'exam.item',
  examId: brandId<ExamId>(examId),
  ...item,
  replySha256,
  arrivedAt,
  sig: key.sign(examItemText({ examId, itemId: item.itemId, replySha256, arrivedAt, right: item.right })),
})
