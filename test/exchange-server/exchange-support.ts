/** A whole exchange in this process for one test: real files, real listener, real sockets. */
import { onTestFinished } from 'vitest'
import { OpenAI } from 'openai'
import { pino } from 'pino'

import { createBooks } from '#books/books.ts'
import { openDb } from '#db/open.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import { startExchange, type Exchange, type ExchangeOptions } from '#exchange-server/exchange.ts'
import { openExchangeBooksReadOnly, type ExchangeBooks } from '#exchange-server/offline-books.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { insertExam } from '#exchange-server/store/supplier-exams.store.ts'
import { upsertSupplier } from '#exchange-server/store/suppliers.store.ts'
import { openExchangeAccounts, openSupplierAccounts } from '#exchange-server/exchange-accounts.ts'
import { PRACTICE_TERMS } from '#exchange-server/exchange-context.ts'
import { FakeSupplier, MODEL_SHA } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'

export const NANO = 'practice/text-nano'
const MICRO = 'practice/text-micro'
/** 1 practice credit per million tokens. */
export const ASK = 1_000_000_000
export const silent = pino({ level: 'silent' })

export async function startTestExchange(
  options: Partial<ExchangeOptions> & { dir?: string } = {},
): Promise<Exchange & { dir: string }> {
  const dir = options.dir ?? tempDir()
  const started = await startExchange({ virtualClock: true, seed: 'test', log: silent, ...options, dir })
  onTestFinished(() => started.stop())
  return { ...started, dir }
}

/**
 * Writes a passed exam for a key straight into the database, so that tests of trade need no exam. Before the exchange
 * starts.
 */
export function qualify(dir: string, key: SigningKey, instruments: readonly string[] = [NANO, MICRO]): void {
  const db = openDb({ path: `${dir}/exchange.db`, migrations: exchangeMigrations })
  const needs = { books: createBooks(), terms: PRACTICE_TERMS }
  db.tx((write) => {
    openExchangeAccounts(needs, write)
    upsertSupplier(write, key.publicKey, 'fake', 0)
    openSupplierAccounts(needs, write, key.publicKey)
    for (const instrument of instruments) {
      const examId = `exam_${instrument}_${key.publicKey}`
      insertExam(write, {
        examId,
        supplier: key.publicKey,
        deploymentId: 'dep_1',
        instrument,
        specVersion: 1,
        modelSha256: MODEL_SHA,
        identity: '{}',
        slots: 64,
        seed: 'x',
        commitment: '0'.repeat(64),
        attempt: 1,
        state: 'passed',
        startedAt: 0,
        endedAt: null,
        validUntil: null,
        result: null,
      })
      write.prepare('UPDATE exams SET valid_until = 9000000000000 WHERE exam_id = ?').run(examId)
    }
  })
  db.close()
}

/** An exchange with `count` qualified suppliers connected, none listed yet. */
export async function exchangeWith(
  count: number,
  options: Partial<ExchangeOptions> = {},
): Promise<{ exchange: Exchange & { dir: string }; suppliers: FakeSupplier[] }> {
  const dir = options.dir ?? tempDir()
  const keys = Array.from({ length: count }, generateSigningKey)
  for (const key of keys) qualify(dir, key)
  const exchange = await startTestExchange({ ...options, dir })
  const suppliers: FakeSupplier[] = []
  for (const key of keys) {
    const supplier = await FakeSupplier.connect(exchange.url, key)
    onTestFinished(() => supplier.socket.terminate())
    suppliers.push(supplier)
  }
  return { exchange, suppliers }
}

/** One listed supplier and a buyer with credit. */
export async function listed(
  options: Partial<ExchangeOptions> & { ask?: number; slots?: number; creditNano?: number } = {},
): Promise<{ exchange: Exchange & { dir: string }; supplier: FakeSupplier; client: OpenAI; key: string }> {
  const { ask = ASK, slots = 1, creditNano, ...rest } = options
  const { exchange, suppliers } = await exchangeWith(1, rest)
  const supplier = suppliers[0]!
  supplier.offer(NANO, ask, { slots })
  await supplier.next('offer.accepted')
  const key = await buyerKey(exchange, creditNano)
  return { exchange, supplier, client: client(exchange, key), key }
}

export async function admin<T>(exchange: Exchange, path: string, body?: object): Promise<T> {
  const response = await fetch(`${exchange.url}/admin${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${exchange.adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const value = (await response.json()) as T
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(value)}`)
  return value
}

export const buyerKey = async (exchange: Exchange, creditNano?: number): Promise<string> =>
  (await admin<{ key: string }>(exchange, '/buyer-keys', creditNano === undefined ? {} : { creditNano })).key
export const client = (exchange: Exchange, key: string): OpenAI =>
  new OpenAI({ apiKey: key, baseURL: `${exchange.url}/v1`, maxRetries: 0, timeout: 60_000 })

/** The exchange's own check, opened beside it. */
export function books(exchange: { dir: string }): ExchangeBooks {
  const opened = openExchangeBooksReadOnly(exchange.dir)
  onTestFinished(() => opened.close())
  return opened
}

export const say = (content: string): { role: 'user'; content: string }[] => [{ role: 'user', content }]

/** Posted balances by short name, and whether anything is still reserved. */
export function balances(
  exchange: { dir: string },
  supplierKey: string,
): { spent: number; held: number; available: number; fees: number; reserved: number } {
  const db = openDb({ path: `${exchange.dir}/exchange.db`, migrations: exchangeMigrations, readOnly: true })
  try {
    const ledger = createBooks()
    const credit = (account: string): number => {
      const { credits, debits } = ledger.balance(db.read, account)
      return Number(credits - debits)
    }
    const buyers = db.read.prepare<{ id: string }>(`SELECT id FROM accounts WHERE id LIKE 'liability:buyer:%'`).all()
    return {
      spent: buyers.reduce((sum, { id }) => sum + Number(ledger.balance(db.read, id).debits), 0),
      reserved: buyers.reduce((sum, { id }) => sum + ledger.balance(db.read, id).pendingDebits, 0),
      held: credit(`liability:supplier:${supplierKey}:held`),
      available: credit(`liability:supplier:${supplierKey}:available`),
      fees: credit('income:fees'),
    }
  } finally {
    db.close()
  }
}
