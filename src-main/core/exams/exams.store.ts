/** SQL of exams and their items. Prompt and reply of an exam item are its evidence, no buyer's text. */
import type { ExamItemView, LimitView } from '#contract/exams.ts'
import type { Reason } from '#contract/reasons.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { bool, defaulted, int, json, named, nullable, real, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'
import type { ExamItemJudged } from '#core/venues/index.ts'
import type { Carried, ExamPhase } from '#exam/exam-types.ts'

type SellerExamState = 'running' | 'interrupted' | 'cancelled' | 'passed' | 'not-reached' | 'undecided'

export const sellerExams = defineTable('exams', {
  examId: text(),
  instrument: text(),
  specVersion: int(),
  spec: named('spec_json', json<GradeSpec>()),
  deploymentId: text(),
  sha256: text(),
  modelName: text(),
  engine: text(),
  device: text(),
  slots: int(),
  exchange: text(),
  state: text<SellerExamState>(),
  evidence: text<'self' | 'witnessed'>(),
  phase: text<ExamPhase>(),
  done: int(),
  atMost: int(),
  limits: named('limits_json', json<LimitView[]>()),
  startedAt: int(),
  endedAt: nullable(int()),
  validUntil: nullable(int()),
  attempt: int(),
  /** Counts of earlier attempts that go on counting, by limit name. */
  carried: named('carried_json', json<Carried>()),
  seed: nullable(text()),
  commitment: nullable(text()),
  resultSig: nullable(text()),
  transcriptJson: nullable(text()),
  transcriptSha256: nullable(text()),
  /** The own key it was taken under, and qualifies; null only until the start after 0170-chains-by-key. */
  supplier: nullable(text()),
  /** Why a result does not stand though the exchange gave one, or would have. */
  voidReason: nullable(json<Reason>()),
})
export type SellerExamRow = RowOf<typeof sellerExams>

/** Without the transcript, which can be a megabyte. */
const listed = sellerExams.by({ transcriptJson: 'NULL' })

export const findExam = (db: ReadDb, examId: string): SellerExamRow | null =>
  listed.get(db, `SELECT ${listed.columns} FROM exams WHERE exam_id = ?`, examId)

export const listExams = (db: ReadDb, limit: number): SellerExamRow[] =>
  listed.all(db, `SELECT ${listed.columns} FROM exams ORDER BY started_at DESC, exam_id DESC LIMIT ?`, limit)

export const insertExam = (db: WriteDb, exam: SellerExamRow): number => sellerExams.insert(db, exam)

export const updateExam = (
  db: WriteDb,
  examId: string,
  change: Partial<Omit<SellerExamRow, 'spec' | 'carried'>>,
): number => sellerExams.update(db, change, 'WHERE exam_id = ?', examId)

/**
 * At start: what ran when the process ended waits to be resumed, unless it was under another own key: to the exchange
 * that is another supplier. Exams from before keys were noted are those of the key that is here.
 */
export const interruptRunning = (db: WriteDb, publicKey: string): void => {
  db.prepare('UPDATE exams SET supplier = ? WHERE supplier IS NULL').run(publicKey)
  db.prepare(`UPDATE exams SET state = 'interrupted' WHERE state = 'running'`).run()
  db.prepare(`UPDATE exams SET state = 'cancelled' WHERE state = 'interrupted' AND supplier <> ?`).run(publicKey)
}

const transcripts = sellerExams.pick('transcriptJson', 'transcriptSha256')

export const transcriptOf = (db: ReadDb, examId: string): { json: string; sha256: string } | null => {
  const row = transcripts.get(db, `SELECT ${transcripts.columns} FROM exams WHERE exam_id = ?`, examId)
  const { transcriptJson = null, transcriptSha256 = null } = row ?? {}
  return transcriptJson === null || transcriptSha256 === null
    ? null
    : { json: transcriptJson, sha256: transcriptSha256 }
}

export const sellerExamItems = defineTable('exam_items', {
  examId: text(),
  phase: text<ExamPhase>(),
  itemId: text(),
  /** In the order the calls came to be known. */
  position: int(),
  jobId: nullable(text()),
  prompt: nullable(text()),
  reply: nullable(text()),
  right: named('is_right', nullable(bool())),
  reason: defaulted(text()),
  ttftMs: nullable(real()),
  tokPerS: nullable(real()),
  tokens: nullable(int()),
  replySha256: nullable(text()),
  arrivedAt: nullable(int()),
  sig: nullable(text()),
})
const NEXT_POSITION = { position: '(SELECT count(*) FROM exam_items WHERE exam_id = @examId)' }
const UNSERVED = { jobId: null, prompt: null, reply: null }
const UNJUDGED = {
  right: null,
  ttftMs: null,
  tokPerS: null,
  tokens: null,
  replySha256: null,
  arrivedAt: null,
  sig: null,
}

const insertReply = sellerExamItems.inserter({
  by: NEXT_POSITION,
  conflict: `ON CONFLICT (exam_id, phase, item_id) DO UPDATE
    SET job_id = excluded.job_id, prompt = excluded.prompt, reply = excluded.reply`,
})

/** The call was served: question and reply. The verdict may have come before (a missed deadline) and stays. */
export const saveReply = (
  db: WriteDb,
  item: { examId: string; phase: ExamPhase; itemId: string; jobId: string; prompt: string; reply: string },
): number => insertReply(db, { ...UNJUDGED, ...item })

const insertVerdict = sellerExamItems.inserter({
  by: NEXT_POSITION,
  conflict: `ON CONFLICT (exam_id, phase, item_id) DO UPDATE
    SET is_right = excluded.is_right, reason = excluded.reason, ttft_ms = excluded.ttft_ms,
      tok_per_s = excluded.tok_per_s, tokens = excluded.tokens, reply_sha256 = excluded.reply_sha256,
      arrived_at = excluded.arrived_at, sig = excluded.sig`,
})

/** The exchange's verdict on one call; a repetition changes nothing. */
export function saveVerdict(db: WriteDb, judged: ExamItemJudged): number {
  const { examId, phase, itemId, right, reason, ttftMs, tokPerS, tokens, replySha256, arrivedAt, sig } = judged
  const verdict = { right, reason, ttftMs, tokPerS, tokens, replySha256, arrivedAt, sig }
  return insertVerdict(db, { ...UNSERVED, ...verdict, examId, phase, itemId })
}

export const deleteUnjudged = (db: WriteDb, examId: string): void => {
  db.prepare('DELETE FROM exam_items WHERE exam_id = ? AND is_right IS NULL').run(examId)
}

/** What is known of one call. */
export type SellerExamItemRow = Omit<RowOf<typeof sellerExamItems>, 'examId' | 'position' | 'jobId'>
const items = sellerExamItems.pick(
  'itemId',
  'phase',
  'prompt',
  'reply',
  'right',
  'reason',
  'ttftMs',
  'tokPerS',
  'tokens',
  'replySha256',
  'arrivedAt',
  'sig',
)

export const examItem = (db: ReadDb, examId: string, itemId: string): SellerExamItemRow | null =>
  items.get(db, `SELECT ${items.columns} FROM exam_items WHERE exam_id = ? AND item_id = ? LIMIT 1`, examId, itemId)

export const examItems = (db: ReadDb, examId: string): SellerExamItemRow[] =>
  items.all(db, `SELECT ${items.columns} FROM exam_items WHERE exam_id = ? ORDER BY position LIMIT 10000`, examId)

const views = sellerExamItems.pick('itemId', 'phase', 'right', 'reason', 'ttftMs', 'tokPerS', 'tokens')

/** Without the texts. */
export const itemViews = (db: ReadDb, examId: string): ExamItemView[] =>
  views.all(db, `SELECT ${views.columns} FROM exam_items WHERE exam_id = ? ORDER BY position LIMIT 10000`, examId)
