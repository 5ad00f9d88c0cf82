/** `stoker ledger check`: re-sums both sides from their own files, opened read-only, and compares them. */
import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Migration, ReadDb } from '#db/types.ts'
import { readSecretFile } from '#lib/secret-file.ts'
import { checkExchange } from '#market/admin/check.ts'
import { exchangeMigrations } from '#market/migrations/index.ts'

import { compare } from './exchange.ts'
import { collectProblems } from './facts.ts'
import { auditSeller } from './seller.ts'

export interface Audit {
  ok: boolean
  problems: string[]
  ours: {
    accounts: number
    transfers: number
    receipts: number
    open: number
    tokensIn: number
    tokensOut: number
    grossNano: number
    feeNano: number
    heldNano: number
    availableNano: number
  }
  exchange: { accounts: number; transfers: number; receipts: number; suppliers: number } | null
  /** How far the exchange is ahead by what has not reached us; both 0 when its view equals ours, null when there is no exchange here. */
  ahead: { receipts: number; releases: number } | null
}

/** Raw public half of a key file, base64url; null when there is none. */
function publicKeyIn(path: string): string | null {
  const pem = readSecretFile(path)
  return pem === null ? null : (createPublicKey(pem).export({ format: 'jwk' }).x ?? null)
}

/** Opens read-only and reads all of it from one snapshot. */
function withSnapshot<T>(path: string, migrations: readonly Migration[], read: (db: ReadDb) => T): T {
  const db = openDb({ path, migrations, readOnly: true })
  try {
    db.read.prepare('BEGIN').run()
    return read(db.read)
  } finally {
    db.close()
  }
}

/** Audits a data folder, running or not. Ours is read first: the exchange settles first, so it can only be ahead. Errors: NOT_FOUND, CONFLICT, DB_*. */
export function audit(dir: string): Audit {
  const problems = collectProblems()
  const exchangeKey = publicKeyIn(join(dir, 'exchange', 'exchange.key'))
  const supplier = publicKeyIn(join(dir, 'seller.key'))
  const ours = withSnapshot(join(dir, 'practice.db'), realmMigrations, (db) => auditSeller(db, exchangeKey, problems))
  const exchangePath = join(dir, 'exchange', 'exchange.db')
  const other = existsSync(exchangePath)
    ? withSnapshot(exchangePath, exchangeMigrations, (db) => {
        const { problems: found, accounts, transfers, receipts, suppliers } = checkExchange(db, createBooks(), exchangeKey ?? '')
        for (const line of found) problems.add(`exchange: ${line}`)
        return { exchange: { accounts, transfers, receipts, suppliers }, ahead: supplier === null ? null : compare(ours, db, supplier, problems) }
      })
    : { exchange: null, ahead: null }
  return {
    ok: problems.lines.length === 0,
    problems: problems.lines,
    ours: {
      accounts: ours.accounts,
      transfers: ours.transfers,
      receipts: ours.receipts,
      open: ours.open,
      tokensIn: ours.tokensIn,
      tokensOut: ours.tokensOut,
      grossNano: Number(ours.gross),
      feeNano: Number(ours.fee),
      heldNano: Number(ours.held),
      availableNano: Number(ours.available),
    },
    ...other,
  }
}
