/** A job touches fewer pages: nothing ever looked for pending transfers by their expiry. */
import type { Migration } from '#db/db-types.ts'

export const fewerExchangePages: Migration = {
  id: 130,
  name: 'fewer pages',
  up(exec) {
    exec('DROP INDEX IF EXISTS pendings_open;')
  },
}
