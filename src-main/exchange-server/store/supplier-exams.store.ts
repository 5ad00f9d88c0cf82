/** Exams of suppliers: attempts, judged calls, results. The reply itself is not kept, only its hash. */
import type { RecordedItem, ExamVerdict } from '#exam/exam-session.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export type SupplierExamState = 'running' | 'interrupted' | 'cancelled' | ExamVerdict
export interface SupplierExamRow {
  examId: string
  supplier: string
  deploymentId: string
  instrument: string
  specVersion: number
  modelSha256: string
  identity: string
  slots: number
  seed: string
  commitment: string
  attempt: number
  state: SupplierExamState
  startedAt: number
  endedAt: number | null
  validUntil: number | null
  /** The result frame as JSON, once there is one. */
  result: string | null
}

const COLUMNS = `exam_id AS examId, supplier, deployment_id AS deploymentId, instrument, spec_version AS specVersion, model_sha256 AS modelSha256, identity, slots, seed, commitment, attempt, state,
  started_at AS startedAt, ended_at AS endedAt, valid_until AS validUntil, result`

export function insertExam(db: WriteDb, exam: SupplierExamRow): void {
  db.prepare(
    `INSERT INTO exams (exam_id, supplier, deployment_id, instrument, spec_version, model_sha256, identity, slots, seed, commitment, attempt, state, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    exam.examId,
    exam.supplier,
    exam.deploymentId,
    exam.instrument,
    exam.specVersion,
    exam.modelSha256,
    exam.identity,
    exam.slots,
    exam.seed,
    exam.commitment,
    exam.attempt,
    exam.state,
    exam.startedAt,
  )
}

export const setExamState = (db: WriteDb, examId: string, state: SupplierExamState): void => {
  db.prepare('UPDATE exams SET state = ? WHERE exam_id = ?').run(state, examId)
}

export const endExam = (
  db: WriteDb,
  examId: string,
  end: { state: SupplierExamState; at: number; validUntil: number | null; result: string },
): void => {
  db.prepare('UPDATE exams SET state = ?, ended_at = ?, valid_until = ?, result = ? WHERE exam_id = ?').run(
    end.state,
    end.at,
    end.validUntil,
    end.result,
    examId,
  )
}

/** At start: attempts that ran when the exchange stopped wait to be resumed. */
export const interruptExams = (db: WriteDb): void => {
  db.prepare(`UPDATE exams SET state = 'interrupted' WHERE state = 'running'`).run()
}

/**
 * The last finished attempt before `exam` of the same deployment, model, grade version and slots, no older than
 * `since`; null when there is none. By its start, so that a resumed attempt finds the same one again.
 */
export const attemptBefore = (db: ReadDb, exam: SupplierExamRow, since: number): SupplierExamRow | null =>
  db
    .prepare<SupplierExamRow>(
      `SELECT ${COLUMNS} FROM exams WHERE supplier = ? AND deployment_id = ? AND instrument = ? AND spec_version = ? AND model_sha256 = ? AND slots = ? AND started_at >= ? AND started_at <= ? AND exam_id <> ? AND result IS NOT NULL AND attempt < ? ORDER BY attempt DESC LIMIT 1`,
    )
    .get(
      exam.supplier,
      exam.deploymentId,
      exam.instrument,
      exam.specVersion,
      exam.modelSha256,
      exam.slots,
      since,
      exam.startedAt,
      exam.examId,
      exam.attempt,
    ) ?? null

/** An interrupted attempt of the same deployment, model, grade version and slots. */
export const resumableExam = (
  db: ReadDb,
  wanted: Pick<SupplierExamRow, 'supplier' | 'deploymentId' | 'instrument' | 'specVersion' | 'modelSha256' | 'slots'>,
  since: number,
): SupplierExamRow | null =>
  db
    .prepare<SupplierExamRow>(
      `SELECT ${COLUMNS} FROM exams WHERE supplier = ? AND deployment_id = ? AND instrument = ? AND spec_version = ? AND model_sha256 = ? AND slots = ? AND state = 'interrupted' AND started_at >= ? ORDER BY started_at DESC LIMIT 1`,
    )
    .get(
      wanted.supplier,
      wanted.deploymentId,
      wanted.instrument,
      wanted.specVersion,
      wanted.modelSha256,
      wanted.slots,
      since,
    ) ?? null

export const findExam = (db: ReadDb, examId: string, supplier: string): SupplierExamRow | null =>
  db
    .prepare<SupplierExamRow>(`SELECT ${COLUMNS} FROM exams WHERE exam_id = ? AND supplier = ?`)
    .get(examId, supplier) ?? null

/** Attempts at a grade with one model: all that began since `since`, and all ever (for numbering). */
export const countAttempts = (
  db: ReadDb,
  supplier: string,
  instrument: string,
  modelSha256: string,
  since: number,
): { recent: number; ever: number } =>
  db
    .prepare<{ recent: number; ever: number }>(
      'SELECT count(*) FILTER (WHERE started_at >= ?) AS recent, count(*) AS ever FROM exams WHERE supplier = ? AND instrument = ? AND model_sha256 = ?',
    )
    .get(since, supplier, instrument, modelSha256)!

export interface SupplierQualification {
  until: number
  /** Streams at once that the exam measured: no more may be offered. */
  slots: number
}

/**
 * The current qualification that covers the most slots (of those the one that lasts longest); null when there is none.
 */
export const qualificationOf = (
  db: ReadDb,
  supplier: string,
  instrument: string,
  specVersion: number,
  modelSha256: string,
  now: number,
): SupplierQualification | null =>
  db
    .prepare<SupplierQualification>(
      `SELECT valid_until AS until, slots FROM exams WHERE supplier = ? AND instrument = ? AND spec_version = ? AND model_sha256 = ? AND state = 'passed' AND valid_until > ? ORDER BY slots DESC, valid_until DESC LIMIT 1`,
    )
    .get(supplier, instrument, specVersion, modelSha256, now) ?? null

export const examsOf = (db: ReadDb, supplier: string): SupplierExamRow[] =>
  db
    .prepare<SupplierExamRow>(`SELECT ${COLUMNS} FROM exams WHERE supplier = ? ORDER BY started_at DESC LIMIT 200`)
    .all(supplier)

export interface StoredItem {
  item: RecordedItem
  replySha256: string
  arrivedAt: number
}

export const insertExamItem = (db: WriteDb, examId: string, stored: StoredItem): void => {
  db.prepare(
    `INSERT INTO exam_items (exam_id, position, phase, item_id, verdict) VALUES (?, (SELECT count(*) FROM exam_items WHERE exam_id = ?), ?, ?, ?) ON CONFLICT DO NOTHING`,
  ).run(examId, examId, stored.item.phase, stored.item.itemId, JSON.stringify(stored))
}

export const examItems = (db: ReadDb, examId: string): StoredItem[] =>
  db
    .prepare<{ verdict: string }>('SELECT verdict FROM exam_items WHERE exam_id = ? ORDER BY position LIMIT 5000')
    .all(examId)
    .map((row) => JSON.parse(row.verdict) as StoredItem)

/** This call was sent once and brought no text before its supplier left. */
export const insertExamSending = (db: WriteDb, examId: string, itemId: string): void => {
  db.prepare('INSERT INTO exam_sendings (exam_id, item_id) VALUES (?, ?) ON CONFLICT DO NOTHING').run(examId, itemId)
}

export const examSendings = (db: ReadDb, examId: string): ReadonlySet<string> =>
  new Set(
    db
      .prepare<{ itemId: string }>('SELECT item_id AS itemId FROM exam_sendings WHERE exam_id = ? LIMIT 5000')
      .all(examId)
      .map((row) => row.itemId),
  )
