/**
 * When an exam call was first sent that its supplier left behind: the time away counts. Unknown (NULL) for those of
 * before.
 */
import type { Migration } from '#db/db-types.ts'

export const sendingsInTime: Migration = {
  id: 110,
  name: 'sendings in time',
  up(exec) {
    exec('ALTER TABLE exam_sendings ADD COLUMN sent_at INTEGER;')
  },
}
