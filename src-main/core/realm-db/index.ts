/** The migrations of one realm's database (practice.db), in order: books, outbox, jobs and receipts, listings and exams, rollups, why a listing is paused. */
import { booksMigration } from '#books/migration.ts'
import { outboxMigration } from '#books/outbox.ts'
import type { Migration } from '#db/types.ts'

import { jobsMigration } from './0030-jobs.ts'
import { tradingMigration } from './0040-trading.ts'
import { rollupsMigration } from './0050-rollups.ts'
import { pausedWhyMigration } from './0060-paused-why.ts'

export const realmMigrations: readonly Migration[] = [booksMigration, outboxMigration, jobsMigration, tradingMigration, rollupsMigration, pausedWhyMigration]
