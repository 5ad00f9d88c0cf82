/**
 * The check reads jobs slice by slice; transfers are found by their ids alone, and no query ever used the index by job.
 */
import type { Migration } from '#db/db-types.ts'

export const flatExchangeQueries: Migration = {
  id: 70,
  name: 'flat queries',
  up(exec) {
    exec('DROP INDEX IF EXISTS transfers_job;')
  },
}
