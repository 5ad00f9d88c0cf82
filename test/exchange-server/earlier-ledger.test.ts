/** Jobs of an exchange that version 0.1 wrote, under its transfer ids, go on after the upgrade. */
import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import type { Books } from '#books/books-types.ts'
import { signClaim } from '#books/receipts.ts'
import { inputTokens } from '#contract/bytes4.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import type { Claim } from '#contract/receipt.ts'
import { openDb } from '#db/open.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { checkExchange } from '#exchange-server/admin/exchange-check.ts'
import { createBuyer } from '#exchange-server/buy/buyers.ts'
import { openExchangeAccounts, openSupplierAccounts } from '#exchange-server/exchange-accounts.ts'
import { PRACTICE_TERMS, type ExchangeContext } from '#exchange-server/exchange-context.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { reservedJob } from '#exchange-server/jobs/new-job.ts'
import type { RoutedJob } from '#exchange-server/jobs/routed-job.ts'
import { releaseDue } from '#exchange-server/settle/releases.ts'
import { settleJob, voidInterrupted, voidJob } from '#exchange-server/settle/exchange-settlement.ts'
import { upsertSupplier } from '#exchange-server/store/suppliers.store.ts'
import { Peer } from '#exchange-server/supply/peer.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { earlierBooks, EXCHANGE_WORDS } from '#test/support/earlier-books.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { MODEL_SHA } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { NANO, silent } from './exchange-support.ts'

const spec = loadGradeSpecs().find(({ instrument }) => instrument === NANO)!
const seller = generateSigningKey()

/** An exchange on a database of its own, with one supplier and one buyer; `of` gives its parts other books. */
function exchange() {
  const context: ExchangeContext = {
    clock: new FakeClock(),
    ids: countingIds(),
    log: silent,
    db: openDb({ path: `${tempDir()}/exchange.db`, migrations: exchangeMigrations }),
    books: createBooks(),
    key: generateSigningKey(),
    specs: new Map([[NANO, spec]]),
    terms: { ...PRACTICE_TERMS, holdMs: 0 },
  }
  context.db.tx((db) => {
    openExchangeAccounts(context, db)
    upsertSupplier(db, seller.publicKey, 'x', 0)
    openSupplierAccounts(context, db, seller.publicKey)
  })
  const { buyerId } = createBuyer(context, { name: 'b', creditNano: nano(2_000_000) })
  const of = (books: Books): ExchangeContext => ({ ...context, books })
  const ids = (): string[] =>
    context.db.read
      .prepare<{ id: string }>(`SELECT id FROM transfers WHERE code <> 'fund' ORDER BY seq`)
      .all()
      .map(({ id }) => id.replace(/:?job_\d+:?/, ''))
  const check = (): object => checkExchange(context.db.read, context.books, context.key.publicKey)
  return { before: of(earlierBooks(EXCHANGE_WORDS)), now: of(createBooks()), buyerId, ids, check }
}

function routed(context: ExchangeContext, buyerId: string): RoutedJob {
  const request = inferenceRequest.parse({ messages: [{ role: 'user', content: 'x'.repeat(40) }], maxTokens: 8 })
  const ignore = (): void => undefined
  const sink = { onRouted: ignore, onDelta: ignore, onDone: ignore, onFailed: ignore }
  const wire = { bufferedBytes: 0, close: ignore, send: ignore }
  const peer = new Peer({
    protocol: 1,
    session: 's',
    supplier: seller.publicKey,
    name: 'x',
    wire,
    mono: 0,
    onBroken: ignore,
  })
  return reservedJob(
    context,
    {
      orderId: 'o',
      buyerId,
      spec,
      request,
      inputTokens: inputTokens(request.messages),
      maxPrice: nanoPerMtok(1e15),
      sink,
    },
    { peer, deploymentId: 'd', modelSha256: MODEL_SHA, ask: onePrice(nanoPerMtok(1_000_000_000)), exam: null },
  )
}

function settled(context: ExchangeContext, job: RoutedJob): void {
  job.answer.add('an answer')
  const claim: Claim = {
    v: 1,
    jobId: job.jobId as never,
    supplier: seller.publicKey,
    instrument: NANO as never,
    specVersion: spec.version,
    modelSha256: MODEL_SHA as never,
    usage: { inputTokens: 1, outputTokens: 1 },
    timings: { ttftMs: 1, durationMs: 1 },
    requestMac: job.requestMac,
    answerMac: '0'.repeat(64),
    finish: 'stop',
  }
  settleJob(context, job, claim, signClaim(seller, claim).claimSig)
}

describe('an exchange of before the upgrade', () => {
  it('frees what its jobs had reserved, at its next start, once', () => {
    const { before, now, buyerId, ids, check } = exchange()
    routed(before, buyerId)
    expect(ids()).toEqual(['res'])
    expect([voidInterrupted(now), voidInterrupted(now)]).toEqual([1, 0])
    expect(ids()).toEqual(['res', 'void'])
    expect(check()).toMatchObject({ ok: true, problems: [] })
  })

  it('voids a job by its own reservation', () => {
    const { before, now, buyerId, ids, check } = exchange()
    const job = routed(before, buyerId)
    voidJob(now, job, 'deadline', 'late')
    voidJob(now, job, 'deadline', 'late')
    expect(ids()).toEqual(['res', 'void'])
    expect(check()).toMatchObject({ ok: true, problems: [] })
  })

  it('settles a job by its own reservation, and releases it once', () => {
    const { before, now, buyerId, ids, check } = exchange()
    settled(now, routed(before, buyerId))
    expect(ids()).toEqual(['res', 'post', 'pay', 'fee'])
    expect(releaseDue(now).get(seller.publicKey)).toHaveLength(1)
    expect(releaseDue(now).size).toBe(0)
    expect(ids()).toEqual(['res', 'post', 'pay', 'fee', 'release'])
    expect(check()).toMatchObject({ ok: true, problems: [] })
  })

  it('keeps what it released under its own words', () => {
    const { before, now, buyerId, ids, check } = exchange()
    settled(before, routed(before, buyerId))
    releaseDue(before)
    expect(ids()).toEqual(['res', 'post', 'pay', 'fee', 'rel'])
    expect(releaseDue(now).size).toBe(0)
    expect(check()).toMatchObject({ ok: true, problems: [] })
  })
})
