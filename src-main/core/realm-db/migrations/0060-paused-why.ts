/**
 * A listing can be paused by the owner or because the machine was taken back; the reason is shown after a restart too.
 */
import type { Migration } from '#db/db-types.ts'

export const pausedWhyMigration: Migration = {
  id: 60,
  name: 'paused why',
  up(exec) {
    exec(`ALTER TABLE listings ADD COLUMN paused_why TEXT;`)
  },
}
