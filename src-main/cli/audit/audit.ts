/** `stoker ledger check`: re-sums both sides from their own files, opened read-only, and compares them. */
import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { fail } from '#contract/errors.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Db, Migration, ReadDb } from '#db/db-types.ts'
import { readSecretFile } from '#lib/secret-file.ts'
import { finishSlices, type Sliced } from '#lib/sliced.ts'
import { checkExchangeSliced, type VerifiedReceipts } from '#exchange-server/admin/exchange-check.ts'
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
  /** Everything in the folder was checked and compared, and nothing is wrong. */
  ok: boolean
  problems: string[]
  /** What could not be compared, and why: it may hold, and nobody has looked. */
  notCompared: string[]
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

/** Opens read-only, with one snapshot for all that is read; null where the file is not there. */
function snapshotOf(path: string, migrations: readonly Migration[]): Db | null {
  if (!existsSync(path)) return null
  const db = openDb({ path, migrations, readOnly: true })
  // The first statement after it takes the snapshot; the end of the connection gives it back.
  db.read.prepare('BEGIN').run()
  db.read.prepare('SELECT 1 FROM accounts LIMIT 1').get()
  return db
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
export const audit = (dir: string): Audit => finishSlices(auditSliced(dir))

/** The same in slices. */
export function* auditSliced(dir: string): Sliced<Audit> {
  if (!existsSync(dir)) throw fail('audit.noFolder', { dir })
  const exchangeDir = exchangeDirOf(dir)
  const [oursPath, exchangePath] = [join(dir, EMBEDDED_VENUE.file), join(exchangeDir, 'exchange.db')]
  if (!existsSync(oursPath) && !existsSync(exchangePath)) throw fail('audit.noBooks', { dir })
  // Ours first: the exchange settles first, so it can only be ahead.
  const ours = snapshotOf(oursPath, realmMigrations)
  try {
    const exchange = snapshotOf(exchangePath, exchangeMigrations)
    try {
      return yield* auditSides(ours?.read ?? null, exchange?.read ?? null, {
        exchangeKey: publicKeyIn(join(exchangeDir, 'exchange.key')),
        supplier: publicKeyIn(join(dir, 'seller.key')),
      })
    } finally {
      exchange?.close()
    }
  } finally {
    ours?.close()
  }
}

function* auditSides(
  ours: ReadDb | null,
  exchange: ReadDb | null,
  keys: { exchangeKey: string | null; supplier: string | null },
): Sliced<Audit> {
  const { exchangeKey, supplier } = keys
  const problems = collectAuditProblems()
  const notCompared: string[] = []
  const seller = ours === null ? null : yield* auditSeller(ours, exchangeKey, problems)
  if (ours === null) notCompared.push('no seller has run in this folder, so the exchange was compared with nobody')
  else if (exchange === null) notCompared.push('there is no exchange in this folder, so ours was compared with nothing')
  else if (supplier === null || exchangeKey === null)
    notCompared.push('a key is missing in this folder, so it is not known whose records are to be compared')
  if (ours !== null && exchange !== null) notCompared.push(...foreignChains(ours, exchangeKey))
  let other: Pick<Audit, 'exchange' | 'ahead'> = { exchange: null, ahead: null }
  if (exchange !== null) {
    const {
      problems: found,
      accounts,
      transfers,
      receipts,
      suppliers,
    } = yield* checkExchangeSliced(exchange, createBooks(), exchangeKey ?? '', verifiedOf(ours, problems.lines, keys))
    for (const line of found) problems.add(`exchange: ${line}`)
    const ahead =
      supplier === null || ours === null
        ? null
        : yield* compare({ ours, exchangeKey }, { exchange, supplier }, problems)
    other = { exchange: { accounts, transfers, receipts, suppliers }, ahead }
  }
  return {
    ok: problems.lines.length === 0 && notCompared.length === 0,
    problems: problems.lines,
    notCompared,
    ours: seller === null ? null : ourSide(seller),
    ...other,
  }
}

const CHAINS_SHOWN = 20

/** Receipts of exchanges whose books are elsewhere: their signatures hold or not, and that is all that can be said. */
const foreignChains = (ours: ReadDb, exchangeKey: string | null): string[] =>
  ours
    .prepare<{ exchange: string; n: number }>(
      `SELECT exchange, count(*) AS n FROM receipts WHERE exchange <> ? GROUP BY exchange LIMIT ${CHAINS_SHOWN}`,
    )
    .all(exchangeKey ?? '')
    .map(({ exchange, n }) => `${n} receipts of the exchange ${exchange}, whose books are not in this folder`)

/** Ours, where all of them were found good. */
function verifiedOf(
  ours: ReadDb | null,
  problems: readonly string[],
  { exchangeKey, supplier }: { exchangeKey: string | null; supplier: string | null },
): VerifiedReceipts {
  if (ours === null || exchangeKey === null || problems.length > 0) return () => new Map()
  const read = ours.prepare<{ seq: number; json: string }>(
    'SELECT seq, json FROM receipts WHERE exchange = ? AND seq > ? AND seq <= ?',
  )
  return (of, after, count) =>
    new Map(of === supplier ? read.all(exchangeKey, after, after + count).map(({ seq, json }) => [seq, json]) : [])
}

/** As `audit`, of a folder in which a seller has run. Error: also NOT_FOUND when there is none. */
export function auditRig(dir: string): RigAudit {
  const found = audit(dir)
  if (found.ours === null) throw fail('audit.noSeller', { dir })
  return { ...found, ours: found.ours }
}
