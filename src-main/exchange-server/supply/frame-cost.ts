/**
 * What a supplier's frame costs of its socket's allowance: one for being parsed, one more for each half KiB of it, and what
 * its kind makes the exchange do beside that.
 */
const BYTES_A_UNIT = 512

/** Units by the frame's type; a type without an entry does next to nothing. A unit is about 50 µs. */
const BY_KIND: Readonly<Record<string, number>> = {
  // Its answer has a queue of its own (sync-queue.ts): this is the reading of it.
  sync: 20,
  // A look into the database, a new book, and another round for those who wait.
  offer: 20,
  withdraw: 10,
  // Transactions.
  'exam.start': 200,
  'exam.cancel': 100,
  // A signature, or a look for the receipt of before.
  'job.done': 4,
}

/** Before it is parsed: nobody reads what is not paid for. */
export const readingCost = (bytes: number): number => 1 + Math.floor(bytes / BYTES_A_UNIT)

/** Of the parsed frame, whatever it is: an unknown type costs nothing more. */
export const handlingCost = (kind: unknown): number =>
  typeof kind === 'string' && Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind]! : 0
