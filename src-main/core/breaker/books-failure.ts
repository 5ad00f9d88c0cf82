/** Failures of the disk under a database, as they come out of a transaction; and a database that tells of them. */
import type { Db } from '#db/db-types.ts'

/** Result codes of SQLite after which a commit cannot be had: of the disk and of the file, none of ours. */
const DISK_CODES = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|PERM|AUTH)/
/** How deep a cause may lie. */
const DEPTH_MAX = 5

/** SQLite's code where the disk or the file is the cause; null for any other error. */
export function diskProblem(error: unknown): string | null {
  let at: unknown = error
  for (let depth = 0; depth < DEPTH_MAX && typeof at === 'object' && at !== null; depth += 1) {
    const { code, cause } = at as { code?: unknown; cause?: unknown }
    if (typeof code === 'string' && DISK_CODES.test(code)) return code
    at = cause
  }
  return null
}

/** The same database; what a transaction fails with is told, and thrown on. */
export function watchedDb(db: Db, onProblem: (problem: string) => void): Db {
  return {
    path: db.path,
    read: db.read,
    tx(work) {
      try {
        return db.tx(work)
      } catch (error) {
        const problem = diskProblem(error)
        if (problem !== null) onProblem(problem)
        throw error
      }
    },
    afterCommit: (effect) => db.afterCommit(effect),
    trouble: () => db.trouble(),
    tryWrite: () => db.tryWrite(),
    close: () => db.close(),
  }
}
