/** SQLite's own backup of a connection's database into a file, a slice at a time: before migrations and for copies alike. */
import Database from 'better-sqlite3'

/** Pages of one call: 1 MB of Stoker's own pages, 8 MB of older ones. Between two calls the thread can be ended. */
const SLICE_PAGES = 2_000

/** `onSlice` is told how many pages are written, and of how many. Errors: SQLite's; what was written then stays. */
export async function copyPages(
  source: Database.Database,
  to: string,
  onSlice: (done: number, total: number) => void,
): Promise<void> {
  await source.backup(to, {
    progress({ totalPages, remainingPages }) {
      onSlice(totalPages - remainingPages, totalPages)
      return SLICE_PAGES
    },
  })
  leaveWal(to)
}

/** The copy of a file in WAL mode says that it is one; a file alone is read by whoever cannot write beside it. */
function leaveWal(path: string): void {
  const sqlite = new Database(path)
  try {
    sqlite.pragma('journal_mode = DELETE')
  } finally {
    sqlite.close()
  }
}
