/** SQL of exams and their items. Prompt and reply of an exam item are its evidence, no buyer's text. */
import type { ExamItemView, LimitView } from '#contract/exams.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import type { Carried, ExamPhase } from '#exam/exam-types.ts'

type SellerExamState = 'running' | 'interrupted' | 'cancelled' | 'passed' | 'not-reached' | 'undecided'

export interface SellerExamRow {
  examId: string
  instrument: string
  specVersion: number
  spec: GradeSpec
  deploymentId: string
  sha256: string
  modelName: string
  engine: string
  device: string
  slots: number
  exchange: string
  state: SellerExamState
  evidence: 'self' | 'witnessed'
  phase: ExamPhase
  done: number
  atMost: number
  limits: LimitView[]
  startedAt: number
  endedAt: number | null
  validUntil: number | null
  attempt: number
  /** Counts of earlier attempts that go on counting, by limit name. */
  carried: Carried
  seed: string | null
  commitment: string | null
  resultSig: string | null
  transcriptJson: string | null
  transcriptSha256: string | null
}
type Stored = Omit<SellerExamRow, 'spec' | 'limits' | 'carried'> & {
  specJson: string
  limitsJson: string
  carriedJson: string
}

const FIELDS = [
  'examId',
  'instrument',
  'specVersion',
  'specJson',
  'deploymentId',
  'sha256',
  'modelName',
  'engine',
  'device',
  'slots',
  'exchange',
  'state',
  'evidence',
  'phase',
  'done',
  'atMost',
  'limitsJson',
  'startedAt',
  'endedAt',
  'validUntil',
  'attempt',
  'carriedJson',
  'seed',
  'commitment',
  'resultSig',
  'transcriptJson',
  'transcriptSha256',
] as const satisfies readonly (keyof Stored)[]
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
/** Lists leave the transcript out: it can be a megabyte. */
const columns = (fields: readonly string[]): string =>
  fields.map((field) => `${field === 'transcriptJson' ? 'NULL' : snake(field)} AS ${field}`).join(', ')
const COLUMNS = columns(FIELDS)

const fromStored = ({ specJson, limitsJson, carriedJson, ...rest }: Stored): SellerExamRow => ({
  ...rest,
  spec: JSON.parse(specJson) as GradeSpec,
  limits: JSON.parse(limitsJson) as LimitView[],
  carried: JSON.parse(carriedJson) as Carried,
})

export const findExam = (db: ReadDb, examId: string): SellerExamRow | null => {
  const row = db.prepare<Stored>(`SELECT ${COLUMNS} FROM exams WHERE exam_id = ?`).get(examId)
  return row === undefined ? null : fromStored(row)
}

export const listExams = (db: ReadDb, limit: number): SellerExamRow[] =>
  db
    .prepare<Stored>(`SELECT ${COLUMNS} FROM exams ORDER BY started_at DESC, exam_id DESC LIMIT ?`)
    .all(limit)
    .map(fromStored)

export function insertExam(db: WriteDb, exam: SellerExamRow): void {
  const { spec, limits, carried, ...rest } = exam
  const stored: Stored = {
    ...rest,
    specJson: JSON.stringify(spec),
    limitsJson: JSON.stringify(limits),
    carriedJson: JSON.stringify(carried),
  }
  db.prepare(`INSERT INTO exams (${FIELDS.map(snake).join(', ')}) VALUES (${FIELDS.map(() => '?').join(', ')})`).run(
    ...FIELDS.map((field) => stored[field]),
  )
}

export function updateExam(
  db: WriteDb,
  examId: string,
  change: Partial<Omit<SellerExamRow, 'spec' | 'carried'>>,
): void {
  const { limits, ...rest } = change
  const stored: Record<string, unknown> = {
    ...rest,
    ...(limits === undefined ? {} : { limitsJson: JSON.stringify(limits) }),
  }
  const names = Object.keys(stored)
  db.prepare(`UPDATE exams SET ${names.map((name) => `${snake(name)} = ?`).join(', ')} WHERE exam_id = ?`).run(
    ...names.map((name) => stored[name]),
    examId,
  )
}

/** At start: what ran when the process ended waits to be resumed. */
export const interruptRunning = (db: WriteDb): void => {
  db.prepare(`UPDATE exams SET state = 'interrupted' WHERE state = 'running'`).run()
}

export const transcriptOf = (db: ReadDb, examId: string): { json: string; sha256: string } | null => {
  const row = db
    .prepare<{ json: string | null; sha256: string | null }>(
      'SELECT transcript_json AS json, transcript_sha256 AS sha256 FROM exams WHERE exam_id = ?',
    )
    .get(examId)
  return row === undefined || row.json === null || row.sha256 === null ? null : { json: row.json, sha256: row.sha256 }
}

/** The call was served: question and reply. The verdict may have come before (a missed deadline) and stays. */
export function saveReply(
  db: WriteDb,
  item: { examId: string; phase: ExamPhase; itemId: string; jobId: string; prompt: string; reply: string },
): void {
  db.prepare(
    `INSERT INTO exam_items (exam_id, phase, item_id, position, job_id, prompt, reply) VALUES (?, ?, ?, (SELECT count(*) FROM exam_items WHERE exam_id = ?), ?, ?, ?)
     ON CONFLICT (exam_id, phase, item_id) DO UPDATE SET job_id = excluded.job_id, prompt = excluded.prompt, reply = excluded.reply`,
  ).run(item.examId, item.phase, item.itemId, item.examId, item.jobId, item.prompt, item.reply)
}

export type ItemFrame = Extract<ExchangeFrame, { t: 'exam.item' }>

/** The exchange's verdict on one call; a repetition changes nothing. */
export function saveVerdict(db: WriteDb, frame: ItemFrame): void {
  db.prepare(
    `INSERT INTO exam_items (exam_id, phase, item_id, position, is_right, reason, ttft_ms, tok_per_s, tokens, reply_sha256, arrived_at, sig)
     VALUES (?, ?, ?, (SELECT count(*) FROM exam_items WHERE exam_id = ?), ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (exam_id, phase, item_id) DO UPDATE SET is_right = excluded.is_right, reason = excluded.reason, ttft_ms = excluded.ttft_ms, tok_per_s = excluded.tok_per_s, tokens = excluded.tokens,
       reply_sha256 = excluded.reply_sha256, arrived_at = excluded.arrived_at, sig = excluded.sig`,
  ).run(
    frame.examId,
    frame.phase,
    frame.itemId,
    frame.examId,
    frame.right ? 1 : 0,
    frame.reason,
    frame.ttftMs,
    frame.tokPerS,
    frame.tokens,
    frame.replySha256,
    frame.arrivedAt,
    frame.sig,
  )
}

export const deleteUnjudged = (db: WriteDb, examId: string): void => {
  db.prepare('DELETE FROM exam_items WHERE exam_id = ? AND is_right IS NULL').run(examId)
}

export interface ItemRow {
  itemId: string
  phase: ExamPhase
  prompt: string | null
  reply: string | null
  right: number | null
  reason: string
  ttftMs: number | null
  tokPerS: number | null
  tokens: number | null
  replySha256: string | null
  arrivedAt: number | null
  sig: string | null
}
const ITEM_COLUMNS =
  'item_id AS itemId, phase, prompt, reply, is_right AS right, reason, ttft_ms AS ttftMs, tok_per_s AS tokPerS, tokens, reply_sha256 AS replySha256, arrived_at AS arrivedAt, sig'

export const examItem = (db: ReadDb, examId: string, itemId: string): ItemRow | null =>
  db
    .prepare<ItemRow>(`SELECT ${ITEM_COLUMNS} FROM exam_items WHERE exam_id = ? AND item_id = ? LIMIT 1`)
    .get(examId, itemId) ?? null
export const examItems = (db: ReadDb, examId: string): ItemRow[] =>
  db
    .prepare<ItemRow>(`SELECT ${ITEM_COLUMNS} FROM exam_items WHERE exam_id = ? ORDER BY position LIMIT 10000`)
    .all(examId)

/** Without the texts. */
export const itemViews = (db: ReadDb, examId: string): ExamItemView[] =>
  db
    .prepare<Omit<ExamItemView, 'right'> & { right: number | null }>(
      'SELECT item_id AS itemId, phase, is_right AS right, reason, ttft_ms AS ttftMs, tok_per_s AS tokPerS, tokens FROM exam_items WHERE exam_id = ? ORDER BY position LIMIT 10000',
    )
    .all(examId)
    .map((row) => ({ ...row, right: row.right === null ? null : row.right === 1 }))
