/**
 * The queue on which engines are loaded and settings changed. Catches: two pieces at once, an order that is not that of
 * the calls, a failure that stops what comes after it, a queue without a bound, an idle that comes too early.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { serial } from '#lib/serial.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'

/** Pieces that end when the test says so. */
function piece(): { work: () => Promise<void>; end: () => void; started: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let started = false
  return {
    work: () => {
      started = true
      return promise
    },
    end: resolve,
    started: () => started,
  }
}

describe('serial', () => {
  it('runs any pieces in the order of the calls, never two at once, each with its own outcome', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ms: fc.integer({ min: 0, max: 50 }), fails: fc.boolean() }), { maxLength: 20 }),
        async (pieces) => {
          const clock = new FakeClock()
          const queue = serial({ waitingMax: 20 })
          const seen: string[] = []
          const outcomes = pieces.map(({ ms, fails }, index) =>
            queue.run(async () => {
              seen.push(`${index} begins`)
              await clock.sleep(ms)
              seen.push(`${index} ends`)
              if (fails) throw new Error(`piece ${index}`)
              return index
            }),
          )
          const settled = Promise.allSettled(outcomes)
          await clock.advance(2_000)
          expect(seen).toEqual(pieces.flatMap((_, index) => [`${index} begins`, `${index} ends`]))
          expect((await settled).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'))).toEqual(
            pieces.map(({ fails }, index) => (fails ? 'failed' : index)),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('refuses what is more than may wait, and takes more again once a piece has ended', async () => {
    const queue = serial({ waitingMax: 2, full: () => new StokerError('CONFLICT', 'three are enough') })
    const pieces = [piece(), piece(), piece()]
    const running = pieces.map(({ work }) => queue.run(work))
    await expect(queue.run(() => Promise.resolve())).rejects.toMatchObject({ code: 'CONFLICT' })
    pieces[0]!.end()
    await running[0]
    const late = queue.run(() => Promise.resolve('late'))
    pieces.forEach(({ end }) => end())
    await expect(late).resolves.toBe('late')
  })

  it('has a bound of its own where none is named', async () => {
    const queue = serial()
    const { work, end } = piece()
    const taken = Array.from({ length: 65 }, () => queue.run(work))
    await expect(queue.run(work)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    end()
    await expect(Promise.all(taken)).resolves.toHaveLength(65)
  })

  it('a piece that throws at once fails alone', async () => {
    const queue = serial()
    const thrown = queue.run(() => {
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
    await expect(queue.run(() => Promise.resolve('next'))).resolves.toBe('next')
  })

  it('is idle when nothing runs or waits, and no sooner', async () => {
    const queue = serial()
    await queue.idle()
    const [first, second] = [piece(), piece()]
    void queue.run(first.work)
    let idle = false
    const whenIdle = queue.idle().then(() => (idle = true))
    void queue
      .run(async () => {
        await second.work()
        throw new Error('an idle queue may have failed')
      })
      .catch(() => undefined)
    first.end()
    await settle()
    expect([second.started(), idle]).toEqual([true, false])
    second.end()
    await whenIdle
    expect(idle).toBe(true)
  })

  it('once closed ends what runs and starts nothing more', async () => {
    const queue = serial()
    const [running, waiting] = [piece(), piece()]
    const first = queue.run(running.work)
    const second = queue.run(waiting.work)
    await settle()
    queue.close(new StokerError('CANCELLED', 'the first reason'))
    queue.close(new StokerError('INTERNAL', 'not the second'))
    running.end()
    await expect(first).resolves.toBeUndefined()
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(queue.run(waiting.work)).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(waiting.started()).toBe(false)
  })
})
