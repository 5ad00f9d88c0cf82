/** The exchange put together: one folder, one database, one listener. The same code alone, as a child, or in a test. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import type { StokerError } from '#contract/errors.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Clock } from '#contract/time.ts'
import { acquireLock } from '#db/lock.ts'
import { bringUpToDate } from '#db/bring-up-to-date.ts'
import { noteCleanEnd, takeCleanEnd } from '#db/clean-end.ts'
import { watchFiles } from '#db/file-health.ts'
import { openDb } from '#db/open.ts'
import type { Db, MigrationProgress } from '#db/db-types.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { ensureDataDirectory } from '#lib/data-directory.ts'
import { systemClock } from '#lib/system-clock.ts'
import { randomIds, type IdSource } from '#lib/id-source.ts'
import { createLog, type Log } from '#lib/log.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

import { openExchangeAccounts } from './exchange-accounts.ts'
import { adminApi } from './admin/admin-api.ts'
import { buyersApi } from './buy/buyers-api.ts'
import { keyOfBooks } from './exchange-key.ts'
import { virtualClock, type VirtualClock } from './exchange-clocks.ts'
import { PRACTICE_TERMS, type ExchangeContext, type TradingTerms } from './exchange-context.ts'
import { listen, type Listener } from './exchange-http.ts'
import { LIMITS } from './exchange-limits.ts'
import { createExchangeRooms, type ExchangeRooms } from './exchange-rooms.ts'
import { exchangeMigrations } from './exchange-db/index.ts'
import { readMeta, writeMeta } from './store/buyers.store.ts'
import { pruneCalls } from './store/calls.store.ts'
import { pruneKeyedCalls } from './store/refunds.store.ts'
import { DeliveredMarks } from './settle/delivered-marks.ts'
import { refundUndelivered } from './settle/refunds.ts'
import { interruptExams } from './store/supplier-exams.store.ts'
import { voidInterrupted } from './settle/exchange-settlement.ts'
import type { SupplierSocket } from './supply/handshake.ts'

export interface ExchangeOptions {
  /** The exchange's own folder (DIR/exchange). */
  dir: string
  /** 127.0.0.1 by default. */
  host?: string
  /** 0 picks a free one. */
  port?: number
  /** Where the port is taken, take any free one. */
  orAnyPort?: boolean
  /** The option of the command line by which the owner names the port. */
  portOption?: string
  allowHosts?: readonly string[]
  practiceBuyer?: boolean
  /** False: one address may take all sockets there are, as a proxy before the exchange has to. */
  addressLimits?: boolean
  /** Kept for all suppliers together; lowered by tests only. */
  unacknowledgedBytes?: number
  /** `now` moves by POST /admin/clock only, and releases happen then. */
  virtualClock?: boolean
  /** False: no listener at all; suppliers come through acceptSupplier. */
  listen?: boolean
  /** Every exam uses this seed: reproducible runs only. */
  examSeed?: string
  /** Of the practice buyer's draws. */
  seed?: string
  terms?: Partial<TradingTerms>
  specs?: readonly GradeSpec[]
  clock?: Clock
  ids?: IdSource
  log?: Log
  /** Told that its pages are damaged: books that cannot be trusted are not traded on. */
  onDamage?: (damage: StokerError) => void
  /** Told how far a migration of its database is; whoever forked this process must not take it for hung meanwhile. */
  onProgress?: (progress: MigrationProgress) => void
}

export interface Exchange {
  /** '' when nothing listens. */
  readonly url: string
  readonly exchangeKey: string
  readonly adminToken: string
  /** One more supplier's connection that came another way than over the listener. */
  acceptSupplier(socket: SupplierSocket): void
  /** Ends sessions and requests, then closes the files. Idempotent. */
  stop(): Promise<void>
}

const CLOCK_META = 'virtual-now'
const TOKEN_BYTES = 32

/**
 * Errors: DATA_LOCKED, UNAVAILABLE (port taken), DB_FROM_FUTURE, DB_CORRUPT, NOT_FOUND and CONFLICT of `keyOfBooks`.
 * Nothing stays open after an error.
 */
export async function startExchange(options: ExchangeOptions): Promise<Exchange> {
  const { dir } = options
  ensureDataDirectory(dir)
  const log = options.log ?? createLog('exchange')
  const lock = acquireLock(join(dir, 'lock.db'))
  let db: Db | null = null
  try {
    const clean = takeCleanEnd(dir)
    db = await openBooks(options, log)
    const real = options.clock ?? systemClock
    const virtual =
      options.virtualClock === true ? virtualClock(real, Number(readMeta(db.read, CLOCK_META) ?? real.now())) : null
    const marks = new DeliveredMarks(real)
    const context = contextOf(options, marks.ridingOn(db), virtual ?? real, log)
    recover(context)
    const parts = createExchangeRooms(context, {
      practiceBuyer: options.practiceBuyer === true,
      seed: options.seed ?? context.ids.secret(8),
      examSeed: options.examSeed ?? null,
      perAddress: options.addressLimits !== false,
      unacknowledgedBytes: options.unacknowledgedBytes,
      marks,
    })
    const adminToken = tokenOf(dir, context.ids)
    const listener = options.listen === false ? null : await open(options, context, parts, virtual, adminToken)
    if (virtual === null) parts.startLoops()
    const health = watchFiles({
      dbs: [db],
      clock: real,
      log,
      isClean: (path) => clean.has(path),
      onChange: (trouble) => {
        if (trouble === null) parts.endRemaining()
        else if (trouble.code === 'DB_CORRUPT') options.onDamage?.(trouble)
      },
    })
    health.start()
    const exchangeKey = context.key.publicKey
    if (listener !== null) {
      lock.describe({ pid: process.pid, url: listener.url })
      const at = { url: listener.url, pid: process.pid, exchangeKey }
      writeSecretFile(join(dir, 'listen.json'), `${JSON.stringify(at)}\n`)
    }
    const database = db
    let stopping: Promise<void> | null = null
    const stop = async (): Promise<void> => {
      rmSync(join(dir, 'listen.json'), { force: true })
      health.stop()
      parts.stop()
      await listener?.close()
      marks.stop()
      flushed(marks, log)
      database.close()
      noteCleanEnd(dir, [database.path])
      lock.release()
    }
    return {
      url: listener?.url ?? '',
      exchangeKey,
      adminToken,
      acceptSupplier: (socket) => parts.sessions.greet(socket),
      stop: () => (stopping ??= stop()),
    }
  } catch (error) {
    db?.close()
    lock.release()
    throw error
  }
}

async function openBooks({ dir, onProgress = () => undefined }: ExchangeOptions, log: Log): Promise<Db> {
  const file = { path: join(dir, 'exchange.db'), migrations: exchangeMigrations }
  await bringUpToDate({ ...file, onProgress })
  return openDb({ ...file, log })
}

function contextOf(options: ExchangeOptions, db: Db, clock: Clock, log: Log): ExchangeContext {
  const specs = options.specs ?? loadGradeSpecs()
  return {
    clock,
    ids: options.ids ?? randomIds(() => clock.now()),
    log,
    db,
    books: createBooks(),
    key: keyOfBooks(options.dir, db.read),
    specs: new Map(specs.map((spec) => [spec.instrument as string, spec])),
    terms: { ...PRACTICE_TERMS, ...options.terms },
  }
}

/** What a start owes to the run before it: accounts, jobs that lost their buyers, exams that wait. */
function recover(context: ExchangeContext): void {
  context.db.tx((db) => {
    openExchangeAccounts(context, db)
    interruptExams(db)
    pruneCalls(db, context.clock.now() - LIMITS.callsKeptMs)
    pruneKeyedCalls(db, context.clock.now() - LIMITS.keyedCallsKeptMs)
  })
  const voided = voidInterrupted(context)
  if (voided > 0) context.log.info({ voided }, 'jobs of the run before were voided')
  const refunded = refundUndelivered(context)
  if (refunded > 0) context.log.warn({ refunded }, 'answers of the run before were lost and paid back')
}

/** The last marks; without them a buyer is paid back who has his answer. */
function flushed(marks: DeliveredMarks, log: Log): void {
  try {
    marks.flush()
  } catch (error) {
    log.error({ err: error }, 'delivered marks could not be written')
  }
}

function tokenOf(dir: string, ids: IdSource): string {
  const path = join(dir, 'admin-token')
  const stored = readSecretFile(path)?.trim()
  if (stored !== undefined && stored !== '') return stored
  const token = ids.secret(TOKEN_BYTES)
  writeSecretFile(path, `${token}\n`)
  return token
}

function open(
  options: ExchangeOptions,
  context: ExchangeContext,
  parts: ExchangeRooms,
  virtual: VirtualClock | null,
  token: string,
): Promise<Listener> {
  const advance = (ms: number): number => {
    virtual?.advance(ms)
    context.db.tx((db) => writeMeta(db, CLOCK_META, String(context.clock.now())))
    return parts.release()
  }
  return listen({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    orAnyPort: options.orAnyPort === true,
    portOption: options.portOption ?? '--port',
    allowHosts: options.allowHosts ?? [],
    log: context.log,
    buyers: buyersApi({ context, router: parts.router, registry: parts.registry }, context.clock.now()),
    admin: adminApi({ context, token, practiceBuyer: parts.practiceBuyer, virtual, advance }),
    perAddress: options.addressLimits !== false,
    onSupplier: (socket, protocol, address) => parts.sessions.greet(socket, protocol, address),
  })
}
