/**
 * 64 random bytes over a page of a database that is not running. Catches: a check that only looks at what it happens to
 * read, damage taken for a fault of Stoker, a check that says ok over it, an index that no longer fits its table.
 */
import { closeSync, copyFileSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { checkFile, checkNow } from '#db/check-file.ts'
import { auditFolder, exitOfAudit } from '#cli/audit/audit-folder.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { seeded } from '#test/support/hostile.ts'

import { makeFolder } from '../../tools/bench/charts/folder-of-jobs.ts'
import { exchangePath, practicePath } from '../../tools/bench/charts/two-sides.ts'

const folder = temporaryFolder()
const whole = { practice: '', exchange: '' }
const BYTES = 64
const JOBS = 300

beforeAll(() => {
  makeFolder(folder.path, { jobs: JOBS, days: 1, from: Date.UTC(2026, 0, 1) })
  for (const side of ['practice', 'exchange'] as const) {
    whole[side] = join(folder.path, `${side}.whole`)
    copyFileSync(side === 'practice' ? practicePath(folder.path) : exchangePath(folder.path), whole[side])
  }
}, 60_000)
afterAll(() => folder.remove())

/** Inner pages of the trees (their first byte is 2 or 5: https://sqlite.org/fileformat2.html#b_tree_pages). */
function innerPages(path: string): { pages: number[]; size: number } {
  const db = new Database(path, { readonly: true })
  const size = db.pragma('page_size', { simple: true }) as number
  const pages = db
    .prepare("SELECT pageno FROM dbstat WHERE pagetype = 'internal' AND pageno > 1 ORDER BY pageno")
    .pluck()
    .all() as number[]
  db.close()
  return { pages, size }
}

/** Where the page's own bytes are: its header with the places of its cells, or the cells themselves. */
function placeOn(path: string, page: number, size: number, random: () => number): number {
  const file = openSync(path, 'r')
  const bytes = Buffer.alloc(size)
  readSync(file, bytes, 0, size, (page - 1) * size)
  closeSync(file)
  const cellsAt = bytes.readUInt16BE(5) === 0 ? 65_536 : bytes.readUInt16BE(5)
  const at = random() < 0.25 ? 0 : cellsAt + Math.floor(random() * Math.max(1, size - cellsAt - BYTES))
  return (page - 1) * size + Math.min(at, size - BYTES)
}

function scribble(path: string, at: number, random: () => number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from(Array.from({ length: BYTES }, () => Math.floor(random() * 256))), 0, BYTES, at)
  closeSync(file)
}

describe.each(['practice', 'exchange'] as const)('64 random bytes over an inner page of %s', (side) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'are seen by the check of a start and by the ledger check, seed %i',
    async (seed) => {
      const random = seeded(seed)
      const path = side === 'practice' ? practicePath(folder.path) : exchangePath(folder.path)
      for (const each of ['practice', 'exchange'] as const)
        copyFileSync(whole[each], each === 'practice' ? practicePath(folder.path) : exchangePath(folder.path))
      expect(checkNow({ kind: 'check', path, depth: 'full' })).toEqual([])
      const { pages, size } = innerPages(path)
      expect(pages.length).toBeGreaterThan(3)
      scribble(path, placeOn(path, pages[Math.floor(random() * pages.length)]!, size, random), random)
      // Both ways: in this thread, and in one of its own.
      expect(await checkFile(path, 'quick', { atOnceBytes: seed % 4 === 0 ? 0 : Infinity })).not.toEqual([])
      const audit = await auditFolder(folder.path)
      expect({ ok: audit.ok, exit: exitOfAudit(audit) }).toEqual({ ok: false, exit: 5 })
    },
  )
})

describe('64 random bytes over any page in use', () => {
  it.each([11, 12, 13, 14])('are never ok to the ledger check, seed %i', async (seed) => {
    const random = seeded(seed)
    copyFileSync(whole.exchange, exchangePath(folder.path))
    const path = practicePath(folder.path)
    copyFileSync(whole.practice, path)
    const db = new Database(path, { readonly: true })
    const size = db.pragma('page_size', { simple: true }) as number
    const pages = db
      .prepare("SELECT pageno FROM dbstat WHERE pageno > 1 AND pagetype <> 'overflow' AND payload > 0 ORDER BY pageno")
      .pluck()
      .all() as number[]
    db.close()
    scribble(path, placeOn(path, pages[Math.floor(random() * pages.length)]!, size, random), random)
    expect((await auditFolder(folder.path)).ok).toBe(false)
  })
})
