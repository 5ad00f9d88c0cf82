/** What is to be sent after a commit: frozen in books. */
export { outboxMigration } from '#books/outbox.ts'
