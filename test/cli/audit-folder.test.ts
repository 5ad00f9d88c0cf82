/**
 * `stoker ledger check` over a folder. Catches: ok over a side that is not here, a receipt that only one side changed, a
 * text that is no receipt taken for a fault of Stoker, another exchange's receipts passed over in silence.
 */
import { cpSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditFolder, exitOfAudit } from '#cli/audit/audit-folder.ts'
import { auditLines } from '#cli/audit/audit-lines.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { makeFolder } from '../../tools/bench/charts/folder-of-jobs.ts'
import { exchangePath, practicePath } from '../../tools/bench/charts/two-sides.ts'

const whole = temporaryFolder()
beforeAll(() => void makeFolder(whole.path, { jobs: 20, days: 1, from: Date.UTC(2026, 0, 1) }), 60_000)
afterAll(() => whole.remove())

function copied(): string {
  const dir = join(tempDir(), 'rig')
  cpSync(whole.path, dir, { recursive: true })
  return dir
}
function change(path: string, table: string, sql: string): void {
  const db = new Database(path)
  for (const name of db
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?`)
    .pluck()
    .all(table))
    db.exec(`DROP TRIGGER "${String(name)}"`)
  db.exec(sql)
  db.close()
}

describe('what is printed of it', () => {
  it('is what was counted, and that both sides agree', async () => {
    const lines = auditLines(await auditFolder(copied()))
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'Pages',
      'Ours',
      'Exchange',
      'Compared',
      'Debits equal credits, receipts chain and verify, both sides agree.',
    ])
    expect(lines).toContain('Compared: the exchange holds exactly what we hold.')
  })

  it('begins with what is wrong, and does not say beside it that both sides hold the same', async () => {
    const dir = copied()
    // On our side alone, of what the comparison does not look at: both sides' receipts are the same.
    change(practicePath(dir), 'balances', 'UPDATE balances SET debits = debits + 1')
    const audit = await auditFolder(dir)
    expect([audit.problems.length > 0, audit.ahead]).toEqual([true, { receipts: 0, releases: 0 }])
    const lines = auditLines(audit)
    expect(lines.slice(0, audit.problems.length)).toEqual(audit.problems.map((problem) => `PROBLEM   ${problem}`))
    expect(lines.filter((line) => line.startsWith('Compared'))).toEqual([
      'Compared: our receipts and releases with those of the exchange, one by one.',
    ])
    expect(lines.at(-1)).toMatch(/^The books do not hold/)
  })
})

describe('the check of a folder', () => {
  it('is ok over both sides, and names the files whose pages it looked at', async () => {
    const audit = await auditFolder(copied())
    expect({ ok: audit.ok, problems: audit.problems, exit: exitOfAudit(audit) }).toEqual({
      ok: true,
      problems: [],
      exit: 0,
    })
    expect(audit.files).toEqual(['practice.db', 'exchange.db'].map((file) => ({ file, damage: 0 })))
  })

  it.each([
    ['the seller', 'practice.db', 'compared with nobody'],
    ['the exchange', 'exchange', 'compared with nothing'],
  ])('is not ok where %s is not here, and says so', async (_who, name, words) => {
    const dir = copied()
    renameSync(join(dir, name), join(dir, 'elsewhere'))
    const audit = await auditFolder(dir)
    expect({ ok: audit.ok, problems: audit.problems, exit: exitOfAudit(audit) }).toEqual({
      ok: false,
      problems: [],
      exit: 7,
    })
    expect(audit.notCompared).toEqual([expect.stringContaining(words)])
  })

  it.each([
    ['other bytes', `UPDATE receipts SET json = replace(json, '"feeBps":500', '"feeBps":400') WHERE seq = 3`],
    ['no receipt', `UPDATE receipts SET json = '{}' WHERE seq = 3`],
    ['no JSON', `UPDATE receipts SET json = '{' WHERE seq = 3`],
  ])('sees that a receipt of the exchange is %s now, and goes on after it', async (_what, sql) => {
    const dir = copied()
    change(exchangePath(dir), 'receipts', sql)
    const audit = await auditFolder(dir)
    expect(exitOfAudit(audit)).toBe(1)
    expect(audit.problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^exchange: receipt 3 of /),
        'compared: receipt 3 is not the same on both sides',
      ]),
    )
    expect(audit.exchange?.receipts).toBe(audit.ours?.receipts)
  })

  it('says that receipts of an exchange whose books are elsewhere were compared with nothing', async () => {
    const dir = copied()
    change(practicePath(dir), 'receipts', `UPDATE receipts SET exchange = 'another' WHERE seq = 5`)
    const audit = await auditFolder(dir)
    expect(audit.ok).toBe(false)
    expect(audit.notCompared).toEqual([expect.stringContaining('1 receipts of the exchange another')])
  })
})
