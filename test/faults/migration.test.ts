/**
 * kill -9 in the middle of a migration of a large folder, at any point of copy, steps and check: each database is as
 * before or as after, the books say the same, no row is lost, doubled or changed, and the next start goes on.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { checkBooks } from '#books/books-check.ts'
import { auditRig } from '#cli/audit/audit.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import type { Migration } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { seeded } from '#test/support/hostile.ts'

import { EARLIER, writeEarlierFolder } from '../../tools/earlier-folder.ts'
import { MIGRATED_JOBS, MIGRATION_KILLS, SUITE_MS } from './counts.ts'

const folder = temporaryFolder()
const [pristine, dir] = [join(folder.path, 'pristine'), join(folder.path, 'rig')]
const random = seeded(51)
const SIDES = [
  { file: 'practice.db', earlier: EARLIER.realm, now: realmMigrations },
  { file: join('exchange', 'exchange.db'), earlier: EARLIER.exchange, now: exchangeMigrations },
] as const

interface Facts {
  check: ReturnType<typeof checkBooks>
  rows: Record<string, string>
}

/** The tables that hold or prove money, by the columns they had before. */
const KEPT = ['accounts', 'balances', 'transfers', 'pendings', 'jobs', 'receipts', 'releases'] as const

function factsOf(path: string, earlier: readonly Migration[], now: readonly Migration[]): Facts & { version: number } {
  const raw = new Database(path, { readonly: true })
  const version = raw.pragma('user_version', { simple: true }) as number
  raw.close()
  const db = openDb({ path, migrations: version === earlier.at(-1)!.id ? earlier : now, readOnly: true })
  try {
    const rows: Record<string, string> = {}
    for (const table of KEPT) {
      const hash = createHash('sha256')
      const columns = columnsBefore(earlier)[table]!
      for (const row of db.read.money(`SELECT ${columns} FROM ${table} ORDER BY 1, 2`).iterate())
        hash.update(Object.values(row as object).join('\u0001')).update('\n')
      rows[table] = hash.digest('hex')
    }
    return { version, check: checkBooks(db.read), rows }
  } finally {
    db.close()
  }
}

const columns = new Map<readonly Migration[], Record<string, string>>()
function columnsBefore(earlier: readonly Migration[]): Record<string, string> {
  let known = columns.get(earlier)
  if (known === undefined) {
    const db = openDb({ path: ':memory:', migrations: earlier })
    known = {}
    for (const table of KEPT)
      known[table] = db.read
        .prepare<{ name: string }>(`SELECT name FROM pragma_table_info('${table}') ORDER BY cid`)
        .all()
        .map(({ name }) => name)
        .join(', ')
    db.close()
    columns.set(earlier, known)
  }
  return known
}

const facts = () => SIDES.map(({ file, earlier, now }) => factsOf(join(dir, file), earlier, now))
const moneyOf = (found: readonly (Facts & { version: number })[]): Facts[] =>
  found.map(({ check, rows }) => ({ check, rows }))

/** Runs the migration; `onLine` may kill it. True when it came to its end. */
async function migrate(onLine: (line: string, kill: () => void) => void): Promise<boolean> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('migrate-folder.ts', import.meta.url)), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let done = false
  for await (const line of createInterface({ input: child.stdout })) {
    done ||= line === 'done'
    onLine(line, () => void child.kill('SIGKILL'))
  }
  await ended
  return done
}

function fresh(): void {
  rmSync(dir, { recursive: true, force: true })
  cpSync(pristine, dir, { recursive: true })
}

let before: Facts[] = []
/** Lines of one whole migration: where a kill can fall. */
let lines: string[] = []

beforeAll(async () => {
  writeEarlierFolder(pristine, MIGRATED_JOBS)
  fresh()
  before = moneyOf(facts())
  await migrate((line) => lines.push(line))
}, SUITE_MS)

afterAll(() => folder.remove())

describe(`the migration of a folder of ${MIGRATED_JOBS} jobs`, () => {
  it(
    'says each step, and changes no money: the check of the books is the same before and after',
    () => {
      expect(before.map(({ check }) => check)).toEqual([
        expect.objectContaining({ ok: true, problems: [] }),
        expect.objectContaining({ ok: true, problems: [] }),
      ])
      expect(lines).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^Bringing practice.db up to date: copying it first/),
          expect.stringMatching(/^Bringing practice.db up to date: step 1 of \d+ \(units\)$/),
          expect.stringMatching(/^Bringing exchange.db up to date: step 1 of \d+ \(units\)$/),
          'done',
        ]),
      )
      expect(moneyOf(facts())).toEqual(before)
      expect(auditRig(dir)).toMatchObject({ ok: true, problems: [], ahead: { receipts: 0, releases: 0 } })
      // Jobs of before had one price: the three are equal.
      for (const [side, columns] of [
        'price_nano = cached_price_nano AND price_nano = output_price_nano',
        'price = cached_price AND price = output_price',
      ].entries()) {
        const db = new Database(join(dir, SIDES[side]!.file), { readonly: true })
        expect(db.prepare(`SELECT count(*) FROM jobs WHERE ${columns}`).pluck().get()).toBe(MIGRATED_JOBS)
        db.close()
      }
    },
    SUITE_MS,
  )

  it(
    `may be killed at any point, ${MIGRATION_KILLS} times: before or after, never in between`,
    async () => {
      fresh()
      let kills = 0
      const killedAt: string[] = []
      // Whoever is quicker than the kill has not been killed: another try, on the folder as it was.
      for (let round = 0; kills < MIGRATION_KILLS && round < MIGRATION_KILLS * 5; round += 1) {
        // The last line is the end.
        const at = Math.floor(random() * (lines.length - 1))
        const laterMs = Math.floor(random() * 30)
        let seen = 0
        const done = await migrate((line, kill) => {
          if (seen === at) {
            killedAt.push(line)
            void sleep(laterMs).then(kill)
          }
          seen += 1
        })
        if (!done) kills += 1
        const found = facts()
        for (const [side, { version }] of found.entries())
          expect([SIDES[side]!.earlier.at(-1)!.id, SIDES[side]!.now.at(-1)!.id]).toContain(version)
        expect(moneyOf(found)).toEqual(before)
        if (found.every(({ version }, side) => version === SIDES[side]!.now.at(-1)!.id)) fresh()
      }
      expect(kills).toBe(MIGRATION_KILLS)
      expect(killedAt.length).toBeGreaterThanOrEqual(kills)
      // The next start goes on, and leaves no half copy behind.
      expect(await migrate(() => undefined)).toBe(true)
      expect(moneyOf(facts())).toEqual(before)
      expect(
        SIDES.map(({ file, earlier }) => existsSync(join(dir, `${file}.before-${earlier.at(-1)!.id}.tmp`))),
      ).toEqual([false, false])
      expect(auditRig(dir)).toMatchObject({ ok: true, problems: [] })
    },
    SUITE_MS,
  )
})
