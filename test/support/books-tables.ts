/** The ledger's tables alone, as both sides have them, for tests of the books. */
import { booksMigration } from '#books/books-migration.ts'
import { unitsMigration } from '#books/units-migration.ts'
import type { Migration } from '#db/db-types.ts'

export const BOOKS_TABLES: readonly Migration[] = [booksMigration, unitsMigration(20)]
