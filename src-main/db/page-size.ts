/**
 * Pages of 512 bytes, SQLite's smallest. A commit writes every page it touched into the log, whole: a job touches some
 * hundred pages on both sides, a few bytes on each, and with SQLite's usual 4 KiB wrote four times as much.
 */
import type Database from 'better-sqlite3'

const PAGE_BYTES = 512
/** The log is moved into the file at 8 MB: pages that every job changes are then moved once for many jobs. */
const CHECKPOINT_PAGES = 16_000
/** Larger files keep their pages: a rewrite of them would hold up the start for minutes, and needs the space twice. */
const REWRITTEN_BYTES_MAX = 512 * 2 ** 20

/** For a file that is about to be written: a new one gets these pages. Before its journal mode is set. */
export function useSmallPages(sqlite: Database.Database): void {
  sqlite.pragma(`page_size = ${PAGE_BYTES}`)
  sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
}

const read = (sqlite: Database.Database, name: string): number => sqlite.pragma(name, { simple: true }) as number

/** Whether this is an older file that should be rewritten. */
export function hasLargePages(sqlite: Database.Database): boolean {
  const [bytes, pages] = [read(sqlite, 'page_size'), read(sqlite, 'page_count')]
  return pages > 0 && bytes !== PAGE_BYTES && bytes * pages <= REWRITTEN_BYTES_MAX
}

/**
 * Rewrites the file in small pages, in one transaction of SQLite: whoever is killed meanwhile finds the old file. Blocks
 * (about 20 MB a second); rows keep their order. Only for a connection that is alone: with another one the file stays as
 * it is, until the next start.
 */
export function rewriteInSmallPages(sqlite: Database.Database): void {
  // In WAL mode a page keeps its size (sqlite.org/pragma.html, page_size).
  try {
    if (sqlite.pragma('journal_mode = DELETE', { simple: true }) !== 'delete') return
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY') === true) return
    throw error
  }
  try {
    sqlite.pragma(`page_size = ${PAGE_BYTES}`)
    sqlite.exec('VACUUM')
  } finally {
    sqlite.pragma('journal_mode = WAL')
  }
}
