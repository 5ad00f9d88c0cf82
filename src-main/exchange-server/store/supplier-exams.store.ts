/** Exams of suppliers: attempts, judged calls, results. The reply itself is not kept, only its hash. */
import { int, json, named, nullable, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'
import type { ExamVerdict, RecordedItem } from '#exam/exam-types.ts'

export type SupplierExamState = 'running' | 'interrupted' | 'cancelled' | ExamVerdict
export const supplierExams = defineTable('exams', {
  examId: text(),
  supplier: text(),
  deploymentId: text(),
  instrument: text(),
  specVersion: int(),
  modelSha256: text(),
  identity: text(),
  slots: int(),
  seed: text(),
  commitment: text(),
  attempt: int(),
  state: text<SupplierExamState>(),
  startedAt: int(),
  endedAt: nullable(int()),
  validUntil: nullable(int()),
  /** The result frame as JSON, once there is one. */
  result: nullable(text()),
})
export type SupplierExamRow = RowOf<typeof supplierExams>
const { columns } = supplierExams

export const insertExam = (db: WriteDb, exam: SupplierExamRow): number => supplierExams.insert(db, exam)

export const setExamState = (db: WriteDb, examId: string, state: SupplierExamState): number =>
  supplierExams.update(db, { state }, 'WHERE exam_id = ?', examId)

export const endExam = (
  db: WriteDb,
  examId: string,
  {
    state,
    at,
    validUntil,
    result,
  }: { state: SupplierExamState; at: number; validUntil: number | null; result: string },
): number => supplierExams.update(db, { state, endedAt: at, validUntil, result }, 'WHERE exam_id = ?', examId)

/** At start: attempts that ran when the exchange stopped wait to be resumed. */
export const interruptExams = (db: WriteDb): void => {
  db.prepare(`UPDATE exams SET state = 'interrupted' WHERE state = 'running'`).run()
}

/** What an attempt is of: another of these begins its own counts. */
type ExamSubject = Pick<
  SupplierExamRow,
  'supplier' | 'deploymentId' | 'instrument' | 'specVersion' | 'modelSha256' | 'slots'
>
const SAME =
  'supplier = ? AND deployment_id = ? AND instrument = ? AND spec_version = ? AND model_sha256 = ? AND slots = ?'
const sameAs = ({ supplier, deploymentId, instrument, specVersion, modelSha256, slots }: ExamSubject): unknown[] => [
  supplier,
  deploymentId,
  instrument,
  specVersion,
  modelSha256,
  slots,
]

/**
 * The last finished attempt before `exam` of the same deployment, model, grade version and slots, no older than
 * `since`; null when there is none. By its start, so that a resumed attempt finds the same one again.
 */
export const attemptBefore = (db: ReadDb, exam: SupplierExamRow, since: number): SupplierExamRow | null =>
  supplierExams.get(
    db,
    `SELECT ${columns} FROM exams
     WHERE ${SAME} AND started_at >= ? AND started_at <= ? AND exam_id <> ? AND result IS NOT NULL AND attempt < ?
     ORDER BY attempt DESC LIMIT 1`,
    ...sameAs(exam),
    since,
    exam.startedAt,
    exam.examId,
    exam.attempt,
  )

/**
 * An interrupted attempt of the same deployment, model, grade version and slots; also one whose interruption could not
 * be written down. The caller has looked that none of this supplier runs.
 */
export const resumableExam = (db: ReadDb, wanted: ExamSubject, since: number): SupplierExamRow | null =>
  supplierExams.get(
    db,
    `SELECT ${columns} FROM exams WHERE ${SAME} AND state IN ('interrupted', 'running') AND started_at >= ?
     ORDER BY started_at DESC LIMIT 1`,
    ...sameAs(wanted),
    since,
  )

export const findExam = (db: ReadDb, examId: string, supplier: string): SupplierExamRow | null =>
  supplierExams.get(db, `SELECT ${columns} FROM exams WHERE exam_id = ? AND supplier = ?`, examId, supplier)

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

/** Attempts at a grade since `since`, whatever the model. */
export const countAttemptsOfKey = (db: ReadDb, supplier: string, instrument: string, since: number): number =>
  db
    .prepare<{ n: number }>('SELECT count(*) AS n FROM exams WHERE supplier = ? AND instrument = ? AND started_at >= ?')
    .get(supplier, instrument, since)!.n

/** Whether any exam has ended here: its result is signed. */
export const hasExamResults = (db: ReadDb): boolean =>
  db.prepare('SELECT 1 FROM exams WHERE result IS NOT NULL LIMIT 1').get() !== undefined

/** What a qualification is asked for. */
export type QualifiedSubject = Pick<
  SupplierExamRow,
  'supplier' | 'instrument' | 'specVersion' | 'modelSha256' | 'slots'
>

export interface SupplierQualification {
  until: number
  /** Streams at once that the exam measured: no more may be offered. */
  slots: number
}

/**
 * The current qualification that an offer of so many slots stands on: of those that measured as many the one that lasts
 * longest, else the one that measured most; null when there is none.
 */
export const qualificationOf = (
  db: ReadDb,
  { supplier, instrument, specVersion, modelSha256, slots }: QualifiedSubject,
  now: number,
): SupplierQualification | null =>
  db
    .prepare<SupplierQualification>(
      `SELECT valid_until AS until, slots FROM exams WHERE supplier = ? AND instrument = ? AND spec_version = ? AND model_sha256 = ? AND state = 'passed' AND valid_until > ? ORDER BY min(slots, ?) DESC, valid_until DESC LIMIT 1`,
    )
    .get(supplier, instrument, specVersion, modelSha256, now, slots) ?? null

/** When the last pass of this model and grade version ends, or ended, whatever its slots; null when there never was one. */
export const passedUntil = (
  db: ReadDb,
  { supplier, instrument, specVersion, modelSha256 }: Omit<QualifiedSubject, 'slots'>,
): number | null =>
  db
    .prepare<{ until: number | null }>(
      `SELECT max(valid_until) AS until FROM exams WHERE supplier = ? AND instrument = ? AND spec_version = ? AND model_sha256 = ? AND state = 'passed'`,
    )
    .get(supplier, instrument, specVersion, modelSha256)?.until ?? null

export const examsOf = (db: ReadDb, supplier: string): SupplierExamRow[] =>
  supplierExams.all(db, `SELECT ${columns} FROM exams WHERE supplier = ? ORDER BY started_at DESC LIMIT 200`, supplier)

/** A judged call: all that its frame is made of. */
export interface StoredItem {
  item: RecordedItem
  replySha256: string
  arrivedAt: number
}
export const supplierExamItems = defineTable('exam_items', {
  examId: text(),
  position: int(),
  phase: text<RecordedItem['phase']>(),
  itemId: text(),
  stored: named('verdict', json<StoredItem>()),
})
const insertNext = supplierExamItems.inserter({
  by: { position: '(SELECT count(*) FROM exam_items WHERE exam_id = @examId)' },
  conflict: 'ON CONFLICT DO NOTHING',
})

export const insertExamItem = (db: WriteDb, examId: string, stored: StoredItem): number =>
  insertNext(db, { examId, phase: stored.item.phase, itemId: stored.item.itemId, stored })

const judged = supplierExamItems.pick('stored')
export const examItems = (db: ReadDb, examId: string): StoredItem[] =>
  judged
    .all(db, `SELECT ${judged.columns} FROM exam_items WHERE exam_id = ? ORDER BY position LIMIT 5000`, examId)
    .map(({ stored }) => stored)

export const examSendingRows = defineTable('exam_sendings', {
  examId: text(),
  itemId: text(),
  /** Of its first sending; null where an earlier version did not say. */
  sentAt: nullable(int()),
})
const insertSending = examSendingRows.inserter({ conflict: 'ON CONFLICT DO NOTHING' })

/** This call was sent once, at `sentAt`, and brought no text before its supplier left. */
export const insertExamSending = (db: WriteDb, examId: string, itemId: string, sentAt: number): number =>
  insertSending(db, { examId, itemId, sentAt })

const sent = examSendingRows.pick('itemId', 'sentAt')
/** By item: when it was sent, null where that is not known. */
export const examSendings = (db: ReadDb, examId: string): ReadonlyMap<string, number | null> =>
  new Map(
    sent
      .all(db, `SELECT ${sent.columns} FROM exam_sendings WHERE exam_id = ? LIMIT 5000`, examId)
      .map(({ itemId, sentAt }) => [itemId, sentAt]),
  )
