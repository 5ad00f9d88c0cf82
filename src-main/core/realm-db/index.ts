/**
 * The migrations of one realm's database (practice.db), in order: books, outbox, jobs and receipts, listings and exams,
 * rollups, why a listing is paused, disputes, units, three prices, quarter hours, indices and counters, records for
 * later, statements, written off, chains by key, the breaker's self-check, fewer pages a job, why an exam does
 * not stand.
 */
import type { Migration } from '#db/db-types.ts'

import { booksMigration } from './migrations/0010-books.ts'
import { outboxMigration } from './migrations/0020-outbox.ts'
import { jobsMigration } from './migrations/0030-jobs.ts'
import { tradingMigration } from './migrations/0040-trading.ts'
import { rollupsMigration } from './migrations/0050-rollups.ts'
import { pausedWhyMigration } from './migrations/0060-paused-why.ts'
import { disputesMigration } from './migrations/0070-disputes.ts'
import { unitsMigration } from './migrations/0080-units.ts'
import { threePricesMigration } from './migrations/0090-three-prices.ts'
import { quarterHoursMigration } from './migrations/0100-quarter-hours.ts'
import { flatQueriesMigration } from './migrations/0110-flat-queries.ts'
import { recordsMigration } from './migrations/0120-records.ts'
import { statementsMigration } from './migrations/0130-statements.ts'
import { writtenOffMigration } from './migrations/0140-written-off.ts'
import { chainsByKeyMigration } from './migrations/0170-chains-by-key.ts'
import { breakerChecksMigration } from './migrations/0180-breaker-checks.ts'
import { fewerPagesMigration } from './migrations/0190-fewer-pages.ts'
import { examVoidedMigration } from './migrations/0200-exam-voided.ts'

export const realmMigrations: readonly Migration[] = [
  booksMigration,
  outboxMigration,
  jobsMigration,
  tradingMigration,
  rollupsMigration,
  pausedWhyMigration,
  disputesMigration,
  unitsMigration,
  threePricesMigration,
  quarterHoursMigration,
  flatQueriesMigration,
  recordsMigration,
  statementsMigration,
  writtenOffMigration,
  chainsByKeyMigration,
  breakerChecksMigration,
  fewerPagesMigration,
  examVoidedMigration,
]
