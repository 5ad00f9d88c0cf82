/** Every migration of exchange.db, in order. */
import { booksMigration } from '#books/migration.ts'
import type { Migration } from '#db/types.ts'

import { exchangeTables } from './0030-exchange.ts'
import { examSendings } from './0040-exam-sendings.ts'

export const exchangeMigrations: readonly Migration[] = [booksMigration, exchangeTables, examSendings]
