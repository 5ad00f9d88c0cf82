/** Accounts that carry their unit, as on the seller's side: frozen in books. */
import { unitsMigration as numbered } from '#books/units-migration.ts'

export const unitsMigration = numbered(50)
