/**
 * Held money becomes the supplier's at its time: not a millisecond sooner, not twice, and whatever fails in between.
 */
import { describe, expect, it } from 'vitest'

import type { Release } from '#contract/supplier.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import { availableAccount, heldAccount } from '#exchange-server/exchange-accounts.ts'
import { StreamedAnswer } from '#exchange-server/jobs/routed-job.ts'
import { releaseDue, releaseLoop } from '#exchange-server/settle/releases.ts'
import { reserveFor, settleJob } from '#exchange-server/settle/exchange-settlement.ts'

import { settleRig, type SettleRig } from './settle-rig.ts'

const HOLD_MS = 30_000

/** A settled job of 15,000 nano-units, or a free one: 14,250 of it are held. */
function settle(
  rig: SettleRig,
  jobId: string,
  { key = rig.seller, free = false }: { key?: SigningKey; free?: boolean } = {},
): void {
  const answer = new StreamedAnswer()
  answer.add('x'.repeat(20))
  const job = rig.job(jobId, {
    supplier: key.publicKey,
    answer,
    ...(free ? { price: onePrice(nanoPerMtok(0)), reserveNano: nano(0) } : { reserveNano: nano(15_000) }),
  })
  reserveFor(rig.context, job)
  const { claim, claimSig } = rig.claim(job, {}, key)
  settleJob(rig.context, job, claim, claimSig)
}
const balances = ({ context, seller }: SettleRig, key = seller): { held: number; available: number } => {
  const held = context.books.balance(context.db.read, heldAccount(key.publicKey))
  return {
    held: Number(held.credits - held.debits),
    available: Number(context.books.balance(context.db.read, availableAccount(key.publicKey)).credits),
  }
}

describe('releasing what is due', () => {
  it('moves it from held to available at the very moment, once', () => {
    const rig = settleRig()
    settle(rig, 'job_1')
    rig.clock.jump(HOLD_MS - 1)
    expect([...releaseDue(rig.context)]).toEqual([])
    expect(balances(rig)).toEqual({ held: 14_250, available: 0 })
    rig.clock.jump(1)
    const told = releaseDue(rig.context)
    expect(told.get(rig.seller.publicKey)).toEqual([
      { seq: 1, jobId: 'job_1', amountNano: 14_250, at: rig.clock.now() },
    ])
    expect(balances(rig)).toEqual({ held: 0, available: 14_250 })
    expect([...releaseDue(rig.context)]).toEqual([])
    expect(rig.transfers().filter((line) => line.includes(':release '))).toEqual(['job_1:release 14250'])
    expect(rig.context.books.check(rig.context.db.read).ok).toBe(true)
    rig.context.db.close()
  })

  it('tells each supplier all of its own, in order; a free job has a release without a transfer', () => {
    const rig = settleRig()
    const other = rig.addSupplier()
    settle(rig, 'job_1')
    settle(rig, 'job_2', { key: other })
    settle(rig, 'job_3', { free: true })
    settle(rig, 'job_4')
    rig.clock.jump(HOLD_MS)
    const told = releaseDue(rig.context)
    const lines = (key: SigningKey): unknown =>
      told.get(key.publicKey)?.map(({ seq, jobId, amountNano }) => [seq, jobId, amountNano])
    expect(lines(rig.seller)).toEqual([
      [1, 'job_1', 14_250],
      [2, 'job_3', 0],
      [3, 'job_4', 14_250],
    ])
    expect(lines(other)).toEqual([[1, 'job_2', 14_250]])
    expect(rig.transfers().filter((line) => line.includes(':release '))).toHaveLength(3)
    expect([balances(rig), balances(rig, other)]).toEqual([
      { held: 0, available: 28_500 },
      { held: 0, available: 14_250 },
    ])
    rig.context.db.close()
  })

  it('leaves nothing for the next time, however much is due', () => {
    const rig = settleRig()
    rig.freeHolds(501)
    rig.clock.jump(HOLD_MS)
    const told = releaseDue(rig.context).get(rig.seller.publicKey) ?? []
    expect(told.map(({ seq }) => seq)).toEqual(Array.from({ length: 501 }, (_, at) => at + 1))
    rig.context.db.close()
  })
})

describe('the loop that releases', () => {
  function looping(rig: SettleRig, tell: (supplier: string, releases: Release[]) => void) {
    const stopping = new AbortController()
    releaseLoop(rig.context, tell, stopping.signal)
    return { stop: () => stopping.abort() }
  }

  it('tells what is due every second, until it is stopped', async () => {
    const rig = settleRig()
    const told: [string, string[]][] = []
    settle(rig, 'job_1')
    await rig.clock.advance(500)
    settle(rig, 'job_2')
    const loop = looping(rig, (supplier, releases) => told.push([supplier, releases.map(({ jobId }) => jobId)]))
    await rig.clock.advance(HOLD_MS - 600)
    expect(told).toEqual([])
    // Looks at 0.5 s, 1.5 s …: the first is due at 30 s and seen at 30.5 s, the second at the same look.
    await rig.clock.advance(600)
    expect(told).toEqual([[rig.seller.publicKey, ['job_1', 'job_2']]])
    loop.stop()
    settle(rig, 'job_3')
    await rig.clock.advance(2 * HOLD_MS)
    expect([told.length, rig.clock.waiting]).toEqual([1, 0])
    rig.context.db.close()
  })

  it('does nothing at all once it is stopped before it began', async () => {
    const rig = settleRig()
    settle(rig, 'job_1')
    rig.clock.jump(HOLD_MS)
    releaseLoop(rig.context, () => expect.unreachable('it was stopped'), AbortSignal.abort())
    await rig.clock.advance(2_000)
    expect([balances(rig), rig.clock.waiting]).toEqual([{ held: 14_250, available: 0 }, 0])
    rig.context.db.close()
  })

  it('goes on a second after it failed', async () => {
    const rig = settleRig()
    settle(rig, 'job_1')
    const { db } = rig.context
    const tx = db.tx.bind(db)
    let failures = 0
    Object.assign(db, {
      tx: () => {
        failures += 1
        throw new Error('the disk is full')
      },
    })
    const told: string[] = []
    const loop = looping(rig, (supplier) => told.push(supplier))
    await rig.clock.advance(HOLD_MS + 1_500)
    expect([failures, told]).toEqual([2, []])
    Object.assign(db, { tx })
    await rig.clock.advance(1_000)
    expect(told).toEqual([rig.seller.publicKey])
    loop.stop()
    db.close()
  })
})
