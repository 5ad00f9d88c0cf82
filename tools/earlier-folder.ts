/**
 * `node tools/earlier-folder.ts DIR JOBS`: a data folder as version 0.2 left it, with so many settled jobs on both sides:
 * signed claims, countersigned receipts, transfers, releases, rollups. For migrations under load and for benches; rows are
 * written in bulk, not through the code that would take hours for a million of them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import Database from 'better-sqlite3'

import type { ReceiptV1 } from '#contract/receipt.ts'
import { GENESIS, makeReceipt, receiptHash, signClaim, signReceipt } from '#books/receipts.ts'
import { brandId, type Instrument, type JobId, type ModelSha256, type PublicKey } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'
import { HOUR_MS } from '#contract/time.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Migration } from '#db/db-types.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { loadOrCreateSigningKey, type SigningKey } from '#lib/ed25519.ts'

/** The last migrations that version 0.2 had. */
export const EARLIER = {
  realm: realmMigrations.filter(({ id }) => id <= 70),
  exchange: exchangeMigrations.filter(({ id }) => id <= 40),
} as const

const UNIT = 'PCR'
const INSTRUMENT = brandId<Instrument>('practice/text-nano')
const MODEL = brandId<ModelSha256>('ab'.repeat(32))
const BUYER = 'buyer_bulk'
const START = Date.UTC(2026, 9, 1)
const BATCH = 5_000
/** One in so many is still held; the last ones, so that releases stay in order. */
const HELD_SHARE = 50
/** An amount of its own for each job, so that a row that is lost or doubled changes a sum. */
const tokensOf = (index: number) => ({ inputTokens: 100 + (index % 977), outputTokens: 20 + (index % 211) })

type Row = Readonly<Record<string, string | number | bigint | null>>

/** Inserts rows by their columns' names; statements are kept. */
class Writer {
  readonly #sqlite: Database.Database
  readonly #statements = new Map<string, Database.Statement>()
  readonly #balances = new Map<string, Record<'debits' | 'credits', bigint>>()

  constructor(path: string, migrations: readonly Migration[]) {
    openDb({ path, migrations }).close()
    this.#sqlite = new Database(path)
    this.#sqlite.pragma('synchronous = OFF')
    this.#sqlite.pragma('foreign_keys = OFF')
  }

  insert(table: string, row: Row): void {
    const columns = Object.keys(row)
    const key = `${table} ${columns.join()}`
    let statement = this.#statements.get(key)
    if (statement === undefined) {
      const places = columns.map((column) => `@${column}`).join(', ')
      statement = this.#sqlite.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
      this.#statements.set(key, statement)
    }
    statement.run(row)
  }

  account(id: string, kind: string, creditLimited = 0): void {
    this.insert('accounts', { id, kind, currency: UNIT, credit_limited: creditLimited })
    this.#balances.set(id, { debits: 0n, credits: 0n })
  }

  move(
    id: string,
    debit: string,
    credit: string,
    amount: number,
    code: string,
    jobId: string | null,
    at: number,
  ): void {
    this.#transfer({
      id,
      type: 'direct',
      debit,
      credit,
      amount,
      code,
      job_id: jobId,
      at,
      expires_at: null,
      pending_id: null,
    })
  }

  /** A reservation and what was posted of it. */
  reserve(
    jobId: string,
    debit: string,
    credit: string,
    reserved: number,
    posted: number,
    code: string,
    at: number,
  ): void {
    const common = { debit, credit, code, job_id: jobId, at }
    const [id, postId] = [`reserve:${jobId}`, `post:${jobId}`]
    this.#transfer({ ...common, id, type: 'pending', amount: reserved, expires_at: at + HOUR_MS, pending_id: null })
    this.#transfer({ ...common, id: postId, type: 'post', amount: posted, expires_at: null, pending_id: id })
    this.insert('pendings', { id, reserved, expires_at: at + HOUR_MS, state: 'posted', posted })
  }

  #transfer(row: Row & { type: string; debit: string; credit: string; amount: number }): void {
    this.insert('transfers', { ...row, currency: UNIT })
    if (row.type === 'pending') return
    this.#balances.get(row.debit)!.debits += BigInt(row.amount)
    this.#balances.get(row.credit)!.credits += BigInt(row.amount)
  }

  batch(work: () => void): void {
    this.#sqlite.transaction(work)()
  }

  run(sql: string, ...values: unknown[]): void {
    this.#sqlite.prepare(sql).run(...values)
  }

  close(): void {
    this.batch(() => {
      for (const [account, row] of this.#balances)
        this.insert('balances', { account, ...row, pending_debits: 0, pending_credits: 0 })
    })
    this.#sqlite.pragma('wal_checkpoint(TRUNCATE)')
    this.#sqlite.close()
  }
}

interface SettledJob {
  jobId: string
  receipt: ReceiptV1
  json: string
  hash: string
  released: boolean
}

function* settledJobs(jobs: number, seller: SigningKey, exchange: SigningKey): Generator<SettledJob> {
  let prev = GENESIS
  for (let index = 0; index < jobs; index += 1) {
    const jobId = `job_${String(index).padStart(9, '0')}`
    const usage = tokensOf(index)
    const at = START + index * 1_000
    const signed = signClaim(seller, {
      v: 1,
      jobId: brandId<JobId>(jobId),
      supplier: brandId<PublicKey>(seller.publicKey),
      instrument: INSTRUMENT,
      specVersion: 1,
      modelSha256: MODEL,
      usage,
      timings: { ttftMs: 40, durationMs: 900 },
      requestMac: '0'.repeat(64),
      answerMac: '1'.repeat(64),
      finish: 'stop',
    })
    const receipt = signReceipt(
      exchange,
      makeReceipt({
        signed,
        seq: index + 1,
        prev,
        realm: 'practice',
        billed: usage,
        priceNanoPerMtok: nanoPerMtok(400_000_000 + (index % 1_000)),
        feeBps: 500,
        settledAt: at,
        releaseAt: at + 30_000,
        exchange: brandId<PublicKey>(exchange.publicKey),
      }),
    )
    const hash = receiptHash(receipt)
    yield { jobId, receipt, json: canonicalJson(receipt), hash, released: index < jobs - Math.ceil(jobs / HELD_SHARE) }
    prev = hash
  }
}

function openSeller(db: Writer): void {
  db.account('asset:held', 'asset')
  db.account('asset:available', 'asset')
  db.account('expense:fee', 'expense')
  db.account(`income:${INSTRUMENT}`, 'income')
}

function writeSeller(db: Writer, { jobId, receipt, json, hash, released }: SettledJob): void {
  const { claim, claimSig, seq, settledAt, releaseAt, grossNano, feeNano, sellerNano, exchange } = receipt
  db.insert('jobs', {
    job_id: jobId,
    instrument: INSTRUMENT,
    spec_version: 1,
    deployment_id: 'dep_bulk',
    sha256: MODEL,
    state: 'settled',
    price_nano: receipt.priceNanoPerMtok,
    reserve_nano: grossNano * 2,
    salt: '',
    input_tokens: claim.usage.inputTokens,
    output_tokens: claim.usage.outputTokens,
    engine_prompt_tokens: claim.usage.inputTokens,
    engine_generated_tokens: claim.usage.outputTokens,
    ttft_ms: claim.timings.ttftMs,
    duration_ms: claim.timings.durationMs,
    finish: 'stop',
    started_at: settledAt - 900,
    ended_at: settledAt,
    expires_at: settledAt + HOUR_MS,
    claim_json: canonicalJson(claim),
    claim_sig: claimSig,
    gross_nano: grossNano,
    fee_nano: feeNano,
    seller_nano: sellerNano,
    release_at: releaseAt,
    released_at: released ? releaseAt : null,
    exchange,
    receipt_seq: seq,
    hold_ms: 30_000,
    fee_bps: 500,
  })
  db.insert('receipts', { exchange, seq, job_id: jobId, hash, json, settled_at: settledAt })
  db.reserve(jobId, 'asset:held', `income:${INSTRUMENT}`, grossNano, grossNano, 'sale', settledAt)
  db.move(`fee:${jobId}`, 'expense:fee', 'asset:held', feeNano, 'fee', jobId, settledAt)
  db.run(
    `INSERT INTO rollup_hour (hour_ms, instrument, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms)
     VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET jobs = jobs + 1, input_tokens = input_tokens + excluded.input_tokens,
       output_tokens = output_tokens + excluded.output_tokens, gross_nano = gross_nano + excluded.gross_nano, fee_nano = fee_nano + excluded.fee_nano,
       seller_nano = seller_nano + excluded.seller_nano, released_nano = released_nano + excluded.released_nano, served_ms = served_ms + excluded.served_ms`,
    Math.floor(settledAt / HOUR_MS) * HOUR_MS,
    INSTRUMENT,
    claim.usage.inputTokens,
    claim.usage.outputTokens,
    grossNano,
    feeNano,
    sellerNano,
    released ? sellerNano : 0,
    claim.timings.durationMs,
  )
  if (!released) return
  db.insert('releases', { exchange, seq, job_id: jobId, amount_nano: sellerNano, at: releaseAt })
  db.move(`release:${jobId}`, 'asset:available', 'asset:held', sellerNano, 'release', jobId, releaseAt)
}

function openExchange(db: Writer, supplier: string, jobs: number): void {
  db.account('equity:issuer', 'equity')
  db.account('liability:clearing', 'liability', 1)
  db.account('income:fees', 'income')
  db.account(`liability:buyer:${BUYER}`, 'liability', 1)
  db.account(`liability:supplier:${supplier}:held`, 'liability', 1)
  db.account(`liability:supplier:${supplier}:available`, 'liability')
  db.insert('buyers', { buyer_id: BUYER, name: 'bulk', practice: 0, created_at: START })
  db.insert('suppliers', { supplier, name: 'bulk', first_seen_at: START, last_seen_at: START, receipt_head: GENESIS })
  db.move('fund:1', 'equity:issuer', `liability:buyer:${BUYER}`, jobs * 1_000_000 + 1, 'fund', null, START)
}

function writeExchange(db: Writer, { jobId, receipt, json, hash, released }: SettledJob): void {
  const { claim, seq, settledAt, releaseAt, grossNano, feeNano, sellerNano } = receipt
  const { supplier, usage } = claim
  const [held, available] = [`liability:supplier:${supplier}:held`, `liability:supplier:${supplier}:available`]
  db.insert('jobs', {
    job_id: jobId,
    order_id: jobId,
    buyer_id: BUYER,
    supplier,
    instrument: INSTRUMENT,
    spec_version: 1,
    model_sha256: MODEL,
    price: receipt.priceNanoPerMtok,
    input_tokens: usage.inputTokens,
    max_tokens: 512,
    reserve_nano: grossNano * 2,
    state: 'settled',
    created_at: settledAt - 900,
    ended_at: settledAt,
  })
  const amounts = { gross_nano: grossNano, fee_nano: feeNano, seller_nano: sellerNano }
  db.insert('receipts', { supplier, seq, job_id: jobId, ...amounts, settled_at: settledAt, json })
  db.reserve(jobId, `liability:buyer:${BUYER}`, 'liability:clearing', grossNano * 2, grossNano, 'reserve', settledAt)
  db.move(`pay:${jobId}`, 'liability:clearing', held, sellerNano, 'sale', jobId, settledAt)
  db.move(`fee:${jobId}`, 'liability:clearing', 'income:fees', feeNano, 'fee', jobId, settledAt)
  if (released) {
    db.insert('releases', { supplier, seq, job_id: jobId, amount_nano: sellerNano, at: releaseAt })
    db.move(`release:${jobId}`, held, available, sellerNano, 'release', jobId, releaseAt)
  } else
    db.insert('holds', { job_id: jobId, supplier, receipt_seq: seq, amount_nano: sellerNano, release_at: releaseAt })
  db.run(
    'UPDATE suppliers SET receipt_seq = ?, receipt_head = ?, release_seq = release_seq + ? WHERE supplier = ?',
    seq,
    hash,
    released ? 1 : 0,
    supplier,
  )
}

/** Writes practice.db, exchange/exchange.db and both keys under `dir`, which must be empty. */
export function writeEarlierFolder(dir: string, jobs: number): void {
  mkdirSync(join(dir, 'exchange'), { recursive: true, mode: 0o700 })
  const seller = loadOrCreateSigningKey(join(dir, 'seller.key'))
  const exchange = loadOrCreateSigningKey(join(dir, 'exchange', 'exchange.key'))
  const ours = new Writer(join(dir, 'practice.db'), EARLIER.realm)
  const theirs = new Writer(join(dir, 'exchange', 'exchange.db'), EARLIER.exchange)
  const each = settledJobs(jobs, seller, exchange)
  ours.batch(() => openSeller(ours))
  theirs.batch(() => openExchange(theirs, seller.publicKey, jobs))
  for (let done = 0; done < jobs; done += BATCH) {
    const batch: SettledJob[] = []
    while (batch.length < Math.min(BATCH, jobs - done)) batch.push(each.next().value as SettledJob)
    ours.batch(() => batch.forEach((job) => writeSeller(ours, job)))
    theirs.batch(() => batch.forEach((job) => writeExchange(theirs, job)))
  }
  ours.close()
  theirs.close()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , dir, jobs] = process.argv
  if (dir === undefined || !(Number(jobs) > 0)) {
    process.stderr.write('node tools/earlier-folder.ts DIR JOBS\n')
    process.exitCode = 2
  } else writeEarlierFolder(dir, Number(jobs))
}
