/** A table read slice by slice along a key that rises, whatever gaps the key has. */
import type { WorkSlice } from '#lib/sliced.ts'

import type { ReadDb } from './db-types.ts'

export interface SlicedTable<Key extends bigint | string> {
  /** What is read, for whoever follows the progress. */
  part: string
  table: string
  /** A column that an index begins with, or `rowid`. Rows of one key stay in one slice, however many they are. */
  key: string
  /** Below every key. */
  first: Key
  /** Rows a slice. */
  rows: number
}

/** Bounds of one slice, for SQL that says `key > @after AND key <= @upTo`. */
export interface SliceBounds<Key extends bigint | string> {
  after: Key
  upTo: Key
}

/** Keys that count rows. */
const COUNTING = ['rowid', 'seq']
/** Below every rowid. */
export const FIRST_ROW = -(2n ** 63n)

/** Calls `read` with the bounds of each slice and yields after it. Returns the number of rows. */
export function* readInSlices<Key extends bigint | string>(
  db: ReadDb,
  { part, table, key, first, rows }: SlicedTable<Key>,
  read: (bounds: SliceBounds<Key>) => void,
): Generator<WorkSlice, number, void> {
  const bound = `SELECT max(k) AS upTo, count(*) AS rows FROM (SELECT ${key} AS k FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ${rows})`
  // Rows with a number count up from 1: the highest is about their count, without counting.
  const last = COUNTING.includes(key)
    ? db.money<{ n: bigint | null }>(`SELECT max(${key}) AS n FROM ${table}`).get()!.n
    : 0n
  let done = 0
  for (let after = first; ;) {
    const slice = db.money<{ upTo: Key | null; rows: bigint }>(bound).get(after)!
    if (slice.upTo === null) return done
    read({ after, upTo: slice.upTo })
    done += Number(slice.rows)
    yield { part, rows: Number(slice.rows), done, of: Math.max(Number(last), done) }
    after = slice.upTo
  }
}
