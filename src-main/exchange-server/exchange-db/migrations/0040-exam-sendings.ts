/**
 * Exam calls that were sent and brought no text before the supplier's session was lost: each may be sent once more, not
 * without end.
 */
import type { Migration } from '#db/db-types.ts'

export const examSendings: Migration = {
  id: 40,
  name: 'exam-sendings',
  up(exec) {
    exec(
      'CREATE TABLE exam_sendings (exam_id TEXT NOT NULL REFERENCES exams, item_id TEXT NOT NULL, PRIMARY KEY (exam_id, item_id)) STRICT, WITHOUT ROWID;',
    )
  },
}
