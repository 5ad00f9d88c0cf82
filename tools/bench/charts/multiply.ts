/**
 * Makes many jobs of few: every traded job of a folder is copied some times within the seconds after it, with new ids,
 * new signatures and one chain of receipts over all of them, so that hours, instruments and days stay the same and the
 * checks of both sides pass. Rows are copied column by column, whatever the columns are, except for what a copy
 * changes; balances are summed anew, rollups multiplied.
 */
import Database from 'better-sqlite3'

import { GENESIS, receiptHash, signClaim, signReceipt, type UnsignedReceipt } from '#books/receipts.ts'
import type { JobId } from '#contract/ids.ts'
import type { Receipt, SignedClaim } from '#contract/receipt.ts'
import { canonicalJson } from '#lib/canonical.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import { randomIds } from '#lib/id-source.ts'

import { bulkTable, type BulkTable, type RawRow } from './bulk-table.ts'
import { exchangePath, practicePath } from './two-sides.ts'

/** Tables with rows of single jobs, parents first. */
const PRACTICE = ['jobs', 'transfers', 'pendings', 'receipts', 'releases', 'outbox']
const EXCHANGE = ['jobs', 'transfers', 'pendings', 'receipts', 'holds', 'releases', 'calls']
const TIMES = new Set(
  'started_at,ended_at,expires_at,release_at,released_at,settled_at,at,created_at,done_at'.split(','),
)
const JOB_ID = /job_[0-9a-z]{24}/

interface Copy {
  from: string
  to: string
  shiftMs: number
  seq: number
  signed: SignedClaim
  receipt: Receipt
  receiptJson: string
  receiptHash: string
}

/** The stored row as it is in the copy. */
function copied(row: RawRow, table: BulkTable, copy: Copy): RawRow {
  const next: RawRow = {}
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'string') next[name] = value.includes(copy.from) ? value.replaceAll(copy.from, copy.to) : value
    else next[name] = TIMES.has(name) && value !== null ? Number(value) + copy.shiftMs : value
  }
  if ('receipt_seq' in row) next.receipt_seq = copy.seq
  if (table.name === 'receipts')
    Object.assign(next, { seq: copy.seq, json: copy.receiptJson }, 'hash' in row ? { hash: copy.receiptHash } : {})
  if (table.name === 'releases') next.seq = copy.seq
  if (table.name === 'transfers') next.seq = table.next()
  if (table.name === 'outbox') {
    next.id = table.next()
    next.payload = row.payload === 'null' ? 'null' : canonicalJson({ jobId: copy.to })
  }
  if ('claim_json' in row && typeof row.claim_json === 'string' && row.claim_json !== '')
    next.claim_json = canonicalJson(copy.signed.claim)
  if ('claim_sig' in row && typeof row.claim_sig === 'string' && row.claim_sig !== '')
    next.claim_sig = copy.signed.claimSig
  return next
}

/** Rows by job, and the table emptied of them. */
function takeRows(sqlite: Database.Database, names: readonly string[]) {
  return names.map((name) => {
    const table = bulkTable(sqlite, name)
    const rows = new Map<string, RawRow[]>()
    for (const row of table.rows()) {
      const id = JOB_ID.exec(
        Object.values(row).find((value) => typeof value === 'string' && JOB_ID.test(value)) as string,
      )
      if (id === null) throw new Error(`a row of ${name} names no job`)
      rows.set(id[0], [...(rows.get(id[0]) ?? []), row])
    }
    table.clear()
    return { table, rows }
  })
}

export interface Keys {
  seller: SigningKey
  exchange: SigningKey
}

/**
 * Every job of the folder `copies` times; the folder is closed to others. A copy starts `stepMs` after the one before
 * it. Every job in it must be settled and released.
 */
export function multiply(
  folder: string,
  { copies, stepMs, keys }: { copies: number; stepMs: number; keys: Keys },
): void {
  const ours = new Database(practicePath(folder))
  const theirs = new Database(exchangePath(folder))
  const both = [ours, theirs]
  for (const sqlite of both) {
    // Out of WAL first: straight to OFF is ignored.
    sqlite.pragma('journal_mode = DELETE')
    sqlite.pragma('journal_mode = OFF')
    sqlite.pragma('synchronous = OFF')
    sqlite.pragma('cache_size = -600000')
    sqlite.pragma('foreign_keys = OFF')
    sqlite.pragma('temp_store = MEMORY')
  }
  const restore = both.map(setAside)
  for (const sqlite of both) sqlite.exec('BEGIN')
  const receipts = ours.prepare('SELECT json FROM receipts ORDER BY seq').pluck().all() as string[]
  const sides = [...takeRows(ours, PRACTICE), ...takeRows(theirs, EXCHANGE)]
  let prev = GENESIS
  let seq = 0
  for (const text of receipts) {
    const { exchangeSig: _sig, ...old } = JSON.parse(text) as Receipt
    const from = old.claim.jobId
    for (let turn = 0; turn < copies; turn += 1) {
      const shiftMs = turn * stepMs
      const at = old.settledAt + shiftMs
      const to = randomIds(() => at).next('job')
      const signed = signClaim(keys.seller, { ...old.claim, jobId: to as JobId })
      seq += 1
      // Of the same version as the one it is made from.
      const settled = {
        ...old,
        ...signed,
        seq,
        prev,
        settledAt: at,
        releaseAt: old.releaseAt + shiftMs,
      } as UnsignedReceipt
      const receipt = signReceipt(keys.exchange, settled)
      const receiptJson = canonicalJson(receipt)
      const copy = { from, to, shiftMs, seq, signed, receipt, receiptJson, receiptHash: receiptHash(receipt) }
      prev = copy.receiptHash
      for (const { table, rows } of sides)
        for (const row of rows.get(from) ?? []) table.insert(copied(row, table, copy))
    }
  }
  theirs.prepare('UPDATE suppliers SET receipt_seq = ?, receipt_head = ?, release_seq = ?').run(seq, prev, seq)
  for (const sqlite of both) sumBalances(sqlite)
  multiplyRollups(ours, copies)
  for (const sqlite of both) sqlite.exec('COMMIT')
  restore.forEach((again) => again())
  for (const sqlite of both) {
    sqlite.pragma('journal_mode = WAL')
    sqlite.close()
  }
}

/** Drops triggers and indices, which are slow row by row; the function returned makes them again. */
function setAside(sqlite: Database.Database): () => void {
  const stored = sqlite
    .prepare(`SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL`)
    .all() as { type: string; name: string; sql: string }[]
  for (const { type, name } of stored) sqlite.exec(`DROP ${type} "${name}"`)
  return () => stored.forEach(({ sql }) => sqlite.exec(sql))
}

/** Copies are all posted: what is open is nothing. */
function sumBalances(sqlite: Database.Database): void {
  const sum = (side: string): string =>
    `coalesce((SELECT sum(amount) FROM transfers WHERE type IN ('direct', 'post') AND ${side} = balances.account), 0)`
  sqlite.exec(`UPDATE balances SET debits = ${sum('debit')}, credits = ${sum('credit')}`)
}

/** Every sum of every rollup and counter of jobs; keys, checks between columns and names stay as they are. */
function multiplyRollups(sqlite: Database.Database, copies: number): void {
  const tables = sqlite
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND (name LIKE 'rollup%' OR name = 'job_minutes')`)
    .pluck()
    .all()
  for (const name of tables as string[]) {
    const columns = sqlite.pragma(`table_info(${name})`) as { name: string; type: string; pk: number }[]
    const sums = columns.filter(({ type, pk }) => type === 'INTEGER' && pk === 0)
    sqlite.exec(`UPDATE ${name} SET ${sums.map((column) => `${column.name} = ${column.name} * ${copies}`).join(', ')}`)
  }
}
