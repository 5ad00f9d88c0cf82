/** A reader that remembers what was asked of it, and how SQLite would find each answer. */
import type { ReadDb } from '#db/db-types.ts'

export interface WatchedReads {
  db: ReadDb
  /** Lines of EXPLAIN QUERY PLAN of every statement so far. */
  plans(): string[]
}

export function watchReads(db: ReadDb): WatchedReads {
  const seen = new Set<string>()
  return {
    db: {
      prepare: (sql) => (seen.add(sql), db.prepare(sql)),
      money: (sql) => (seen.add(sql), db.money(sql)),
    },
    plans: () =>
      [...seen].flatMap((sql) => {
        const params = sql.includes('@')
          ? [{ after: null, upTo: null }]
          : Array.from({ length: sql.split('?').length - 1 }, () => null)
        return db
          .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
          .all(...params)
          .map(({ detail }) => detail)
      }),
  }
}
