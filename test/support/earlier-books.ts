/** Real books that write the transfer ids of version 0.1, for databases as that version left them. */
import { createBooks } from '#books/books.ts'
import type { Books } from '#books/books-types.ts'

/** The words of 0.1 by today's: on the seller's side, and on the exchange's. */
export const SELLER_WORDS = { reserve: 'claim', post: 'settle' }
export const EXCHANGE_WORDS = { reserve: 'res', release: 'rel' }

export function earlierBooks(words: Readonly<Record<string, string>>): Books {
  const books = createBooks()
  /** The word came first, and the job after it; an id of another kind stays. */
  const id = (today: string): string => {
    const [, jobId, step] = /^(.+):(reserve|post|void|fee|pay|release)$/.exec(today) ?? []
    return jobId === undefined ? today : `${words[step!] ?? step}:${jobId}`
  }
  return {
    ...books,
    reserve: (db, spec) => books.reserve(db, { ...spec, id: id(spec.id) }),
    transfer: (db, spec) => books.transfer(db, { ...spec, id: id(spec.id) }),
    post: (db, spec) => books.post(db, { ...spec, id: id(spec.id), pendingId: id(spec.pendingId) }),
    void: (db, spec) => books.void(db, { ...spec, id: id(spec.id), pendingId: id(spec.pendingId) }),
  }
}
