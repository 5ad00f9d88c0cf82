/** `stoker ledger check`: re-sums both sides from their own files, opened read-only, and compares them. */
import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import { fail } from '#contract/errors.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Migration, ReadDb } from '#db/db-types.ts'
import { readSecretFile } from '#lib/secret-file.ts'
import { checkExchange } from '#exchange-server/admin/exchange-check.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'

import { exchangeDirOf } from '../exchange-admin.ts'
import { compare } from './audit-exchange.ts'
import { collectAuditProblems } from './audit-facts.ts'
import { auditSeller, type SellerAudit } from './audit-seller.ts'

/** The seller's side, in counts and nano-units. */
export interface OurSide {
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

export interface Audit {
  ok: boolean
  problems: string[]
  /** Null in a folder where only an exchange has run. */
  ours: OurSide | null
  exchange: { accounts: number; transfers: number; receipts: number; suppliers: number } | null
  /**
   * How far the exchange is ahead by what has not reached us; both 0 when its view equals ours, null when one side is
   * not here.
   */
  ahead: { receipts: number; releases: number } | null
}
export type RigAudit = Audit & { ours: OurSide }

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

const ourSide = (ours: SellerAudit): OurSide => ({
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
})

/**
 * Audits what there is in a data folder, running or not: both sides and their agreement, or the one side. Ours is read
 * first: the exchange settles first, so it can only be ahead. Errors: NOT_FOUND (no such folder, no books in it),
 * CONFLICT, DB_*.
 */
export function audit(dir: string): Audit {
  if (!existsSync(dir)) throw fail('audit.noFolder', { dir })
  const exchangeDir = exchangeDirOf(dir)
  const [oursPath, exchangePath] = [join(dir, 'practice.db'), join(exchangeDir, 'exchange.db')]
  if (!existsSync(oursPath) && !existsSync(exchangePath)) throw fail('audit.noBooks', { dir })
  const problems = collectAuditProblems()
  const exchangeKey = publicKeyIn(join(exchangeDir, 'exchange.key'))
  const supplier = publicKeyIn(join(dir, 'seller.key'))
  const ours = existsSync(oursPath)
    ? withSnapshot(oursPath, realmMigrations, (db) => auditSeller(db, exchangeKey, problems))
    : null
  const other = existsSync(exchangePath)
    ? withSnapshot(exchangePath, exchangeMigrations, (db) => {
        const {
          problems: found,
          accounts,
          transfers,
          receipts,
          suppliers,
        } = checkExchange(db, createBooks(), exchangeKey ?? '')
        for (const line of found) problems.add(`exchange: ${line}`)
        return {
          exchange: { accounts, transfers, receipts, suppliers },
          ahead: supplier === null || ours === null ? null : compare(ours, db, supplier, problems),
        }
      })
    : { exchange: null, ahead: null }
  return {
    ok: problems.lines.length === 0,
    problems: problems.lines,
    ours: ours === null ? null : ourSide(ours),
    ...other,
  }
}

/** As `audit`, of a folder in which a seller has run. Error: also NOT_FOUND when there is none. */
export function auditRig(dir: string): RigAudit {
  const found = audit(dir)
  if (found.ours === null) throw fail('audit.noSeller', { dir })
  return { ...found, ours: found.ours }
}
