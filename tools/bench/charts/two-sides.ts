/**
 * A data folder with both sides of trade, filled by the real code of the exchange and of the seller: reserve, claim,
 * settle, receipt, release. No sockets and no engine; the clock is moved by hand. `stoker ledger check` passes on it.
 */
import { unitOf } from '#contract/units.ts'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import { answerMac, signClaim } from '#books/receipts.ts'
import {
  brandId,
  type DeploymentId,
  type Instrument,
  type JobId,
  type ModelSha256,
  type PublicKey,
} from '#contract/ids.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { nano, NANO_LIMIT, nanoPerMtok, onePrice } from '#contract/money.ts'
import { said } from '#contract/reasons.ts'
import type { SignedClaim } from '#contract/receipt.ts'
import { HOUR_MS, SECOND_MS } from '#contract/time.ts'
import { insertJob } from '#core/jobs/jobs.store.ts'
import { createSettlement, type Settlement } from '#core/jobs/settlement.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { createBuyer } from '#exchange-server/buy/buyers.ts'
import { openExchangeAccounts, openSupplierAccounts } from '#exchange-server/exchange-accounts.ts'
import { PRACTICE_TERMS, type ExchangeContext } from '#exchange-server/exchange-context.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'
import { reservedJob } from '#exchange-server/jobs/new-job.ts'
import type { RoutedJob } from '#exchange-server/jobs/routed-job.ts'
import { settleJob, voidJob } from '#exchange-server/settle/exchange-settlement.ts'
import { releaseDue } from '#exchange-server/settle/releases.ts'
import type { Peer } from '#exchange-server/supply/peer.ts'
import { pruneCalls } from '#exchange-server/store/calls.store.ts'
import { upsertSupplier } from '#exchange-server/store/suppliers.store.ts'
import { loadOrCreateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import { randomIds } from '#lib/id-source.ts'
import { createLog } from '#lib/log.ts'

import { FakeClock } from '../../../test/support/fake-clock.ts'

const MODEL = brandId<ModelSha256>('a'.repeat(64))
const DEPLOYMENT = brandId<DeploymentId>('dep_bench')
/** Half a practice credit a million tokens, so that a million jobs stay below the bound of an account. */
const ASK = nanoPerMtok(500_000_000)
const MAX_TOKENS = 32

export const practicePath = (folder: string): string => join(folder, 'practice.db')
export const exchangePath = (folder: string): string => join(folder, 'exchange', 'exchange.db')

/** What becomes of a job; a `held` one is settled and not released. */
export type JobEnd = 'released' | 'held' | 'failed' | 'void' | 'rejected' | 'running' | 'claimed'

/** Nothing here must survive a crash: the folder is thrown away. */
const carefree = (db: Db): Db => {
  db.read.prepare('PRAGMA synchronous = OFF').run()
  return db
}

/** Opens the folder, or makes it. */
export function openTwoSides(folder: string, startsAt: number): TwoSides {
  mkdirSync(join(folder, 'exchange'), { recursive: true, mode: 0o700 })
  const clock = new FakeClock(startsAt)
  const log = createLog('bench')
  log.level = 'silent'
  const books = createBooks()
  const seller = loadOrCreateSigningKey(join(folder, 'seller.key'))
  const context: ExchangeContext = {
    clock,
    ids: randomIds(() => clock.now()),
    log,
    db: carefree(openDb({ path: exchangePath(folder), migrations: exchangeMigrations, log })),
    books,
    key: loadOrCreateSigningKey(join(folder, 'exchange', 'exchange.key')),
    specs: new Map(loadGradeSpecs().map((spec) => [spec.instrument, spec])),
    terms: PRACTICE_TERMS,
  }
  const realmDb = carefree(openDb({ path: practicePath(folder), migrations: realmMigrations, log }))
  const settlement = createSettlement({ realmDb, books, unit: unitOf('PCR'), realm: 'practice', clock, key: seller })
  return new TwoSides({ context, realmDb, settlement, seller, clock, buyerId: buyerOf(context, seller) })
}

/** The buyer in the folder; made with everything an exchange needs where there is none. */
function buyerOf(context: ExchangeContext, seller: SigningKey): string {
  const known = context.db.read.prepare<{ id: string }>('SELECT buyer_id AS id FROM buyers LIMIT 1').get()
  if (known !== undefined) return known.id
  context.db.tx((write) => {
    openExchangeAccounts(context, write)
    upsertSupplier(write, seller.publicKey, 'bench', context.clock.now())
    openSupplierAccounts(context, write, seller.publicKey)
  })
  return createBuyer(context, { name: 'bench', creditNano: nano(NANO_LIMIT / 2) }).buyerId
}

interface TwoSidesDeps {
  context: ExchangeContext
  realmDb: Db
  settlement: Settlement
  seller: SigningKey
  clock: FakeClock
  buyerId: string
}

export class TwoSides {
  readonly #deps: TwoSidesDeps

  constructor(deps: TwoSidesDeps) {
    this.#deps = deps
  }

  get clock(): FakeClock {
    return this.#deps.clock
  }

  get keys(): { seller: SigningKey; exchange: SigningKey } {
    return { seller: this.#deps.seller, exchange: this.#deps.context.key }
  }

  /** Trades one job that starts at `at`, not before the one before it. Returns its id. */
  trade(at: number, instrument: number, end: JobEnd = 'released'): string {
    const { context, settlement, clock } = this.#deps
    clock.jump(at - clock.now())
    const job = this.#win(at, instrument)
    const { jobId } = job
    if (end === 'running') return jobId
    if (end === 'failed' || end === 'rejected' || end === 'void') {
      voidJob(context, job, 'supplier-failed', end)
      if (end === 'failed') settlement.fail([{ jobId, reason: said('the engine failed') }])
      else settlement.voidJob(jobId, 'the buyer went away')
      return jobId
    }
    const signed = this.#serve(job, at)
    if (end === 'claimed') return jobId
    settlement.settle(settleJob(context, job, signed.claim, signed.claimSig), context.key.publicKey)
    if (end === 'held') return jobId
    clock.jump(context.terms.holdMs + SECOND_MS)
    for (const releases of releaseDue(context).values())
      for (const release of releases) settlement.release(release, context.key.publicKey)
    return jobId
  }

  /** What a running rig and exchange remove by themselves. */
  sweep(): void {
    const { clock, context } = this.#deps
    context.db.tx((db) => pruneCalls(db, clock.now() - LIMITS.callsKeptMs))
  }

  close(): void {
    this.#deps.realmDb.close()
    this.#deps.context.db.close()
  }

  /** The exchange reserves, the seller records. */
  #win(at: number, instrument: number): RoutedJob {
    const { context, realmDb, seller, buyerId } = this.#deps
    const specs = [...context.specs.values()]
    const spec = specs[instrument % specs.length]!
    const content = 'x'.repeat(40 + (at % 160))
    const request = inferenceRequest.parse({ messages: [{ role: 'user', content }], maxTokens: MAX_TOKENS })
    const sink = { onRouted() {}, onDelta() {}, onDone() {}, onFailed() {} }
    const orderId = context.ids.next('practice')
    const inputTokens = Math.ceil(content.length / 4)
    const job = reservedJob(
      context,
      { orderId, buyerId, spec, request, inputTokens, maxPrice: ASK, sink },
      {
        // Of a peer only its name is looked at here.
        peer: { supplier: seller.publicKey } as unknown as Peer,
        deploymentId: DEPLOYMENT,
        modelSha256: MODEL,
        ask: onePrice(ASK),
        exam: null,
      },
    )
    realmDb.tx((write) =>
      insertJob(write, {
        jobId: job.jobId,
        instrument: spec.instrument,
        specVersion: spec.version,
        deploymentId: DEPLOYMENT,
        sha256: MODEL,
        state: 'running',
        reason: '',
        price: onePrice(ASK),
        reserveNano: job.reserveNano,
        salt: job.salt,
        startedAt: at,
        endedAt: null,
        expiresAt: at + HOUR_MS,
        holdMs: context.terms.holdMs,
        feeBps: context.terms.feeBps,
      }),
    )
    return job
  }

  /** The answer, and the claim for it. */
  #serve(job: RoutedJob, at: number): SignedClaim {
    const { settlement, seller, clock } = this.#deps
    const { spec, inputTokens } = job.order
    const outputTokens = 8 + (at % (MAX_TOKENS - 8))
    const timings = { ttftMs: 100 + (at % 400), durationMs: 1_000 + (at % 3_000) }
    job.answer.add('y'.repeat(outputTokens * 4))
    job.firstDeltaAt = job.sentAt + timings.ttftMs
    job.lastDeltaAt = job.sentAt + timings.durationMs
    clock.jump(timings.durationMs)
    const signed = signClaim(seller, {
      v: 1,
      jobId: brandId<JobId>(job.jobId),
      supplier: brandId<PublicKey>(seller.publicKey),
      instrument: brandId<Instrument>(spec.instrument),
      specVersion: spec.version,
      modelSha256: MODEL,
      usage: { inputTokens, outputTokens },
      timings,
      requestMac: job.requestMac,
      answerMac: answerMac(job.salt, job.answer.text),
      finish: 'stop',
    })
    settlement.claim(signed, {
      enginePromptTokens: inputTokens,
      engineCachedTokens: 0,
      engineGeneratedTokens: outputTokens,
      tokPerS: 30,
    })
    return signed
  }
}
