/**
 * Whatever order frames, duplicates, losses, restarts and kills between commits come in: nothing is lost, nothing is
 * counted twice.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { describe, it, expect } from 'vitest'

import { recordProblems } from '#core/ledger/records.store.ts'

import { Seller } from '../../support/seller.ts'

type Step =
  | { kind: 'serve'; turns: number; settled: boolean }
  | { kind: 'job' }
  | { kind: 'deliver'; twice: boolean }
  | { kind: 'lose' }
  | { kind: 'engine' }
  | { kind: 'release' }
  | { kind: 'void'; at: number }
  | { kind: 'cancel'; at: number }
  | { kind: 'drop' }
  | { kind: 'resume' }
  | { kind: 'restart' }
  | { kind: 'kill'; commits: number; when: 'before' | 'after' }
  | { kind: 'crash' }
  | { kind: 'offline' }

const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary })
const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(12, fc.record({ kind: fc.constant('serve' as const), turns: fc.nat(8), settled: fc.boolean() })),
  weighted(3, fc.constant({ kind: 'job' })),
  weighted(10, fc.record({ kind: fc.constant('deliver' as const), twice: fc.boolean() })),
  weighted(8, fc.constant({ kind: 'engine' })),
  weighted(4, fc.constant({ kind: 'release' })),
  weighted(1, fc.record({ kind: fc.constant('void' as const), at: fc.nat(9) })),
  weighted(1, fc.record({ kind: fc.constant('cancel' as const), at: fc.nat(9) })),
  weighted(1, fc.constant({ kind: 'lose' })),
  weighted(2, fc.constant({ kind: 'drop' })),
  weighted(1, fc.constant({ kind: 'resume' })),
  weighted(2, fc.constant({ kind: 'restart' })),
  weighted(
    4,
    fc.record({
      kind: fc.constant('kill' as const),
      commits: fc.nat(3),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  ),
  weighted(1, fc.constant({ kind: 'crash' })),
  weighted(3, fc.constant({ kind: 'offline' })),
)

async function apply(seller: Seller, step: Step): Promise<void> {
  const { exchange } = seller
  const online = (fresh: boolean): void => seller.run(() => exchange.online(fresh))
  const ids = [...exchange.jobs.keys()]
  if (step.kind === 'job') exchange.job({ content: `content ${ids.length}` })
  else if (step.kind === 'serve') {
    // A whole job, or one stopped at any point: some frames delivered, some turns of the engine, the receipt waiting or
    // taken.
    exchange.job({ content: `served ${ids.length}` })
    for (let frame = 0; frame < 20; frame += 1) seller.run(() => void exchange.deliver())
    for (let turn = 0; turn < step.turns; turn += 1) await seller.clock.advance(10)
    if (step.settled) seller.run(() => void exchange.deliver())
  } else if (step.kind === 'deliver') seller.run(() => void exchange.deliver(step.twice))
  else if (step.kind === 'engine') for (let turn = 0; turn < 8; turn += 1) await seller.clock.advance(10)
  else if (step.kind === 'release') exchange.release()
  else if (step.kind === 'void') exchange.voidJob(ids[step.at % Math.max(1, ids.length)] ?? '')
  else if (step.kind === 'cancel' && ids.length > 0)
    exchange.push({ t: 'job.cancel', jobId: ids[step.at % ids.length]! as never, reason: 'buyer' })
  else if (step.kind === 'lose') {
    // Frames are only ever lost together with their session.
    exchange.queue = []
    online(true)
  } else if (step.kind === 'drop') {
    seller.run(() => exchange.offline())
    online(true)
  } else if (step.kind === 'resume') {
    seller.run(() => exchange.offline())
    online(false)
  } else if (step.kind === 'offline') seller.run(() => exchange.offline())
  else if (step.kind === 'kill') seller.killAt(step.commits, step.when)
  else if (step.kind === 'crash') seller.engine.crash()
  if (step.kind === 'restart' || seller.dead) {
    await seller.restart()
    online(true)
  }
}

async function bothSidesAgree(seller: Seller): Promise<void> {
  // At the end everybody comes back and everything is said.
  await seller.restart()
  seller.exchange.online()
  await seller.drain()
  await seller.drain()
  const { receipts, releases } = seller.exchange
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  const seller_ = sum(receipts.map((receipt) => receipt.sellerNano))
  const released = sum(releases.map((release) => release.amountNano))
  expect(seller.books.check(seller.context.realmDb.read)).toMatchObject({ ok: true, problems: [] })
  expect(seller.balance('asset:held')).toEqual({ net: seller_ - released, pending: 0 })
  expect(seller.balance('asset:available')).toEqual({ net: released, pending: 0 })
  expect(seller.rows('SELECT seq FROM receipts ORDER BY seq').map(({ seq }) => seq)).toEqual(
    receipts.map(({ seq }) => seq),
  )
  expect(seller.rows(`SELECT count(*) AS n FROM jobs WHERE state IN ('running', 'claimed')`)).toEqual([{ n: 0 }])
  expect(seller.rows(`SELECT count(*) AS n FROM jobs WHERE state = 'settled'`)).toEqual([{ n: receipts.length }])
  expect(seller.rows('SELECT count(*) AS n FROM outbox WHERE done_at IS NULL')).toEqual([{ n: 0 }])
  const [rollup] = seller.rows(
    'SELECT coalesce(sum(jobs), 0) AS jobs, coalesce(sum(gross_nano), 0) AS gross, coalesce(sum(seller_nano), 0) AS seller, coalesce(sum(released_nano), 0) AS released FROM rollup_quarter',
  )
  expect(rollup).toEqual({
    jobs: receipts.length,
    gross: sum(receipts.map((receipt) => receipt.grossNano)),
    seller: seller_,
    released,
  })
  expect(seller.jobs.problems()).toEqual([])
  expect(recordProblems(seller.context.realmDb.read)).toEqual([])
}

describe('the money of jobs', () => {
  it('agrees with the exchange after any order of duplicates, losses, restarts and kills', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 8, maxLength: 30, size: 'max' }),
        fc.boolean(),
        async (steps, keepsPending) => {
          const folder = mkdtempSync(join(tmpdir(), 'stoker-money-'))
          const seller = new Seller(folder)
          seller.exchange.keepsPending = keepsPending
          try {
            seller.run(() => seller.exchange.online())
            for (const one of steps) await apply(seller, one)
            await bothSidesAgree(seller)
            runs += 1
          } finally {
            seller.close()
            rmSync(folder, { recursive: true, force: true })
          }
        },
      ),
      { numRuns: 30 },
    )
    expect(runs).toBe(30)
  }, 180_000)
})
