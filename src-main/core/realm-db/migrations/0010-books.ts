/** The ledger, as on the exchange's side: frozen in books. */
export { booksMigration } from '#books/books-migration.ts'
