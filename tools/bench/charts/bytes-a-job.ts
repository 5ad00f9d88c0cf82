/** Where the bytes of a job lie: pages of each table and index, as SQLite's dbstat counts them. */
import Database from 'better-sqlite3'

export interface Bytes {
  total: number
  /** The largest first, in bytes a job. */
  parts: [name: string, bytes: number][]
}

/** Opens the file read-only; bytes of all pages divided by the jobs in it. */
export function bytesAJob(path: string): Bytes {
  const sqlite = new Database(path, { readonly: true })
  try {
    const jobs = sqlite.prepare('SELECT count(*) FROM jobs').pluck().get() as number
    const rows = sqlite
      .prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name HAVING bytes > ? ORDER BY bytes DESC')
      .all(jobs * 8) as { name: string; bytes: number }[]
    // Pages that rows of before have left free are used again.
    const pages = (name: string): number => sqlite.pragma(name, { simple: true }) as number
    const total = (pages('page_count') - pages('freelist_count')) * pages('page_size')
    return { total: total / jobs, parts: rows.map(({ name, bytes }) => [name, bytes / jobs]) }
  } finally {
    sqlite.close()
  }
}
