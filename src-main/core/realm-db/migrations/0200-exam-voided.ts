/** Why an exam's result does not stand though the exchange gave one, or would have: a reason as JSON. */
import type { Migration } from '#db/db-types.ts'

export const examVoidedMigration: Migration = {
  id: 200,
  name: 'exam voided',
  up(exec) {
    exec(`ALTER TABLE exams ADD COLUMN void_reason TEXT;`)
  },
}
