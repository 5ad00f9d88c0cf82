/**
 * Whatever suppliers, buyers, deadlines and crashes do in whatever order: debits = credits, one receipt a job, nothing
 * reserved for nobody.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { signClaim } from '#books/receipts.ts'
import { answerMac } from '#books/receipts.ts'
import { inputTokens } from '#contract/bytes4.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import type { ErrorValue } from '#contract/errors.ts'
import type { Claim } from '#contract/receipt.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import { openDb } from '#db/open.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import { openExchangeAccounts, openSupplierAccounts } from '#exchange-server/exchange-accounts.ts'
import { checkExchange } from '#exchange-server/admin/exchange-check.ts'
import { createBuyer } from '#exchange-server/buy/buyers.ts'
import { PRACTICE_TERMS, type ExchangeContext } from '#exchange-server/exchange-context.ts'
import { Deliveries } from '#exchange-server/jobs/deliveries.ts'
import { Router } from '#exchange-server/jobs/router.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { voidInterrupted } from '#exchange-server/settle/exchange-settlement.ts'
import { releaseDue } from '#exchange-server/settle/releases.ts'
import { upsertSupplier } from '#exchange-server/store/suppliers.store.ts'
import { Peer } from '#exchange-server/supply/peer.ts'
import { Registry } from '#exchange-server/supply/supplier-registry.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { IDENTITY, MODEL_SHA } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { NANO, silent } from './exchange-support.ts'

type Job = Extract<ExchangeFrame, { t: 'job' }>
const spec = loadGradeSpecs().find((one) => one.instrument === NANO)!

class World {
  readonly context: ExchangeContext
  readonly clock = new FakeClock()
  readonly keys: SigningKey[] = [generateSigningKey(), generateSigningKey()]
  readonly buyerId: string
  registry = new Registry()
  router!: Router
  deliveries!: Deliveries
  /** Every job ever sent, with the text that went out for it. */
  readonly jobs: { job: Job; peer: number; text: string; claim: Claim | null; sig: string }[] = []
  #cancels: (() => void)[] = []

  constructor() {
    const db = openDb({ path: `${tempDir()}/exchange.db`, migrations: exchangeMigrations })
    this.context = {
      clock: this.clock,
      ids: countingIds(),
      log: silent,
      db,
      books: createBooks(),
      key: generateSigningKey(),
      specs: new Map([[NANO, spec]]),
      terms: PRACTICE_TERMS,
    }
    db.tx((write) => {
      openExchangeAccounts(this.context, write)
      for (const key of this.keys) {
        upsertSupplier(write, key.publicKey, 'x', 0)
        openSupplierAccounts(this.context, write, key.publicKey)
      }
    })
    this.buyerId = createBuyer(this.context, { name: 'b', creditNano: nano(2_000_000) }).buyerId
    this.restart()
  }

  /** As after kill -9: memory is gone, the database is as it was. */
  restart(): void {
    this.#cancels = []
    this.registry = new Registry()
    this.router = new Router(this.context, this.registry, () => undefined)
    this.deliveries = new Deliveries(this.context, this.router)
    voidInterrupted(this.context)
    this.keys.forEach((_, at) => this.connect(at))
  }

  connect(at: number): void {
    const key = this.keys[at]!
    const old = this.registry.get(key.publicKey)
    if (old !== undefined) {
      old.gone = true
      this.registry.remove(old)
      this.deliveries.drop(old)
    }
    const wire = {
      bufferedBytes: 0,
      close: () => undefined,
      send: (text: string) => {
        const { frame } = JSON.parse(text) as { frame?: ExchangeFrame }
        if (frame?.t === 'job') this.jobs.push({ job: frame, peer: at, text: '', claim: null, sig: '' })
      },
    }
    const peer = new Peer({
      protocol: 1,
      session: 's',
      supplier: key.publicKey,
      name: 'x',
      wire,
      mono: 0,
      onBroken: () => undefined,
    })
    peer.offers.set(NANO, {
      instrument: NANO,
      deploymentId: 'd',
      identity: IDENTITY,
      ask: onePrice(nanoPerMtok(1_000_000_000 * (at + 1))),
      slots: 2,
      contextTokens: 4_096,
      maxOutputTokens: 4_096,
      qualifiedUntil: Number.MAX_SAFE_INTEGER,
      order: at,
    })
    this.registry.add(peer)
    this.router.dispatchWaiting()
  }

  buy(bytes: number, onFailed: (error: ErrorValue) => void = () => undefined): void {
    const request = inferenceRequest.parse({ messages: [{ role: 'user', content: 'x'.repeat(bytes) }], maxTokens: 8 })
    const ignore = (): void => undefined
    this.#cancels.push(
      this.router.submit({
        orderId: this.context.ids.next('order'),
        buyerId: this.buyerId,
        spec,
        request,
        inputTokens: inputTokens(request.messages),
        maxPrice: nanoPerMtok(1e15),
        sink: { onRouted: ignore, onDelta: ignore, onDone: ignore, onFailed },
      }),
    )
  }

  leave(at: number): void {
    this.#cancels[at % Math.max(1, this.#cancels.length)]?.()
  }

  /** Something a supplier may say about any job it ever had, sensible or not. */
  say(at: number, what: 'accept' | 'delta' | 'done' | 'again' | 'lie' | 'error' | 'busy'): void {
    const entry = this.jobs[at % Math.max(1, this.jobs.length)]
    const peer = entry === undefined ? undefined : this.registry.get(this.keys[entry.peer]!.publicKey)
    if (entry === undefined || peer === undefined) return
    const { jobId } = entry.job
    if (what === 'accept') this.deliveries.accept(peer, jobId)
    else if (what === 'busy')
      this.deliveries.error(peer, { t: 'job.reject', jobId, error: { code: 'ENGINE_BUSY', message: 'x', data: {} } })
    else if (what === 'error')
      this.deliveries.error(peer, { t: 'job.error', jobId, error: { code: 'ENGINE_CRASHED', message: 'x', data: {} } })
    else if (what === 'delta') {
      entry.text += 'delta'
      this.deliveries.delta(peer, { t: 'job.delta', jobId, text: { content: 'delta', reasoning: '', toolCalls: [] } })
    } else {
      if (what !== 'again' || entry.claim === null) this.#claim(entry, what === 'lie')
      this.deliveries.done(peer, { t: 'job.done', jobId, claim: entry.claim!, claimSig: entry.sig })
    }
  }

  #claim(entry: World['jobs'][number], lie: boolean): void {
    const { job, peer, text } = entry
    const claim: Claim = {
      v: 1,
      jobId: job.jobId,
      supplier: this.keys[peer]!.publicKey,
      instrument: job.instrument,
      specVersion: 1,
      modelSha256: MODEL_SHA as never,
      usage: { inputTokens: 1, outputTokens: 1 },
      timings: { ttftMs: 1, durationMs: 1 },
      requestMac: answerMac(job.salt, ''),
      answerMac: answerMac(job.salt, lie ? `${text}!` : text),
      finish: 'stop',
    }
    const live = this.registry.get(this.keys[peer]!.publicKey)?.jobs.get(job.jobId)
    if (live !== undefined) claim.requestMac = live.requestMac
    entry.claim = claim
    entry.sig = signClaim(this.keys[peer]!, claim).claimSig
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('buy' as const), n: fc.integer({ min: 0, max: 40 }) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'accept' as const,
        'delta' as const,
        'delta' as const,
        'done' as const,
        'done' as const,
        'again' as const,
        'lie' as const,
        'error' as const,
        'busy' as const,
      ),
      n: fc.nat(20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('leave' as const, 'reconnect' as const), n: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('time' as const, 'release' as const),
      n: fc.integer({ min: 100, max: 12_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), n: fc.constant(0) }) },
)

describe('the exchange’s books', () => {
  it('balance after any order of jobs, failures, retries, duplicates, deadlines and crashes', async () => {
    let settled = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const world = new World()
        const { context } = world
        for (const { kind, n } of steps) {
          if (kind === 'buy') world.buy(n)
          else if (kind === 'leave') world.leave(n)
          else if (kind === 'reconnect') world.connect(n % 2)
          else if (kind === 'time') await world.clock.advance(n)
          else if (kind === 'release') {
            await world.clock.advance(n)
            releaseDue(context)
          } else if (kind === 'kill') world.restart()
          else world.say(n, kind)
        }
        const check = checkExchange(context.db.read, context.books, context.key.publicKey)
        const running =
          context.db.read
            .prepare<{ sum: number | null }>(`SELECT sum(reserve_nano) AS sum FROM jobs WHERE state = 'running'`)
            .get()!.sum ?? 0
        const { pendingDebits } = context.books.balance(context.db.read, `liability:buyer:${world.buyerId}`)
        settled += check.receipts
        context.db.close()
        expect(check.problems).toEqual([])
        expect(pendingDebits).toBe(running)
      }),
      { numRuns: 25, seed: 2026 },
    )
    // The sequences must reach the money, or this test shows nothing.
    expect(settled).toBeGreaterThan(10)
  })

  it('that cannot be written leave no buyer waiting for ever, and the next start puts the money back', async () => {
    const world = new World()
    const { context } = world
    const { db } = context
    const outcome = new Promise<string>((resolve) => world.buy(8, (error) => resolve(error.code)))
    const tx = db.tx.bind(db)
    Object.assign(db, {
      tx: () => {
        throw new Error('the disk is full')
      },
    })
    await world.clock.advance(60_000)
    expect(await outcome).toBe('INTERNAL')
    Object.assign(db, { tx })
    expect(checkExchange(db.read, context.books, context.key.publicKey).problems).toEqual([])
    world.restart()
    expect(context.books.balance(db.read, `liability:buyer:${world.buyerId}`)).toMatchObject({
      debits: 0n,
      pendingDebits: 0,
    })
    db.close()
  })

  it('are found wrong when money stays set aside for a job that is over', () => {
    const world = new World()
    const { context } = world
    world.buy(8)
    expect(checkExchange(context.db.read, context.books, context.key.publicKey).problems).toEqual([])
    context.db.tx((db) => db.prepare(`UPDATE jobs SET state = 'void'`).run())
    expect(checkExchange(context.db.read, context.books, context.key.publicKey).problems).toEqual([
      expect.stringContaining('the running jobs need 0'),
    ])
    context.db.close()
  })
})
