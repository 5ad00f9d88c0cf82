/**
 * The loop behind all upkeep. Catches: runs that overlap, a failure that ends the loop, a stop that leaves a timer or
 * begins one more run, a timer that keeps the process alive, a pause that a timer cannot count.
 */
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'

import type { Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'
import { timerMs } from '#lib/timer-ms.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'

const unexpected = (error: unknown): void => {
  throw error
}

describe('every', () => {
  it('waits between the end of a run and the next start, however long the runs take', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (pauseMs, workMs, immediate) => {
          const clock = new FakeClock()
          const starts: number[] = []
          const loop = every(
            clock,
            pauseMs,
            async () => {
              starts.push(clock.mono())
              await clock.sleep(workMs[(starts.length - 1) % workMs.length]!)
            },
            { onError: unexpected, immediate },
          )
          await clock.advance(2_000)
          loop.stop()
          const expected = [immediate ? 0 : pauseMs]
          for (let index = 1; index < starts.length; index += 1)
            expected.push(expected[index - 1]! + workMs[(index - 1) % workMs.length]! + pauseMs)
          expect(starts).toEqual(expected)
          await clock.advance(300)
          await loop.done
          expect(clock.waiting).toBe(0)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('tells of a failed run, thrown or rejected, and goes on', async () => {
    const clock = new FakeClock()
    const told: unknown[] = []
    let runs = 0
    const loop = every(
      clock,
      10,
      () => {
        runs += 1
        if (runs === 1) throw new Error('thrown')
        return runs === 2 ? Promise.reject(new Error('rejected')) : undefined
      },
      { onError: (error) => told.push((error as Error).message) },
    )
    await clock.advance(30)
    expect({ runs, told }).toEqual({ runs: 3, told: ['thrown', 'rejected'] })
    loop.stop()
    await loop.done
  })

  it('begins the first run before it returns when told to', () => {
    const work = vi.fn<() => void>()
    const loop = every(new FakeClock(), 10, work, { onError: unexpected, immediate: true })
    expect(work).toHaveBeenCalledOnce()
    loop.stop()
  })

  it('ends with its signal, without one more run, and lets go of the signal', async () => {
    const clock = new FakeClock()
    const ending = new AbortController()
    const removed = vi.spyOn(ending.signal, 'removeEventListener')
    const work = vi.fn<() => void>()
    const loop = every(clock, 10, work, { onError: unexpected, signal: ending.signal })
    await clock.advance(10)
    ending.abort()
    await loop.done
    await clock.advance(100)
    expect(work).toHaveBeenCalledOnce()
    expect(clock.waiting).toBe(0)
    expect(removed).toHaveBeenCalledOnce()
  })

  it('begins no run when it is stopped in the moment in which a pause ends', async () => {
    const pause = Promise.withResolvers<void>()
    const work = vi.fn<() => void>()
    const loop = every({ ...frozen, sleep: () => pause.promise }, 10, work, { onError: unexpected })
    pause.resolve()
    loop.stop()
    await loop.done
    expect(work).not.toHaveBeenCalled()
  })

  it('never begins under a signal that is aborted', async () => {
    const work = vi.fn<() => void>()
    await every(new FakeClock(), 10, work, { onError: unexpected, signal: AbortSignal.abort(), immediate: true }).done
    expect(work).not.toHaveBeenCalled()
  })

  it('may be stopped in a run, and is done when that run has ended', async () => {
    const clock = new FakeClock()
    const { promise, resolve } = Promise.withResolvers<void>()
    const work = vi.fn<() => Promise<void>>(() => {
      loop.stop()
      return promise
    })
    const loop = every(clock, 10, work, { onError: unexpected })
    let done = false
    const whenDone = loop.done.then(() => (done = true))
    await clock.advance(10)
    expect([done, clock.waiting]).toEqual([false, 0])
    resolve()
    await whenDone
    await clock.advance(100)
    expect(work).toHaveBeenCalledOnce()
  })

  it('asks for each pause where it may change', async () => {
    const clock = new FakeClock()
    const pauses = [10, 40, 160]
    const at: number[] = []
    const loop = every(
      clock,
      () => pauses[at.length] ?? 1_000,
      () => void at.push(clock.mono()),
      {
        onError: unexpected,
      },
    )
    await clock.advance(250)
    expect(at).toEqual([10, 50, 210])
    loop.stop()
  })

  it('never keeps the process alive', async () => {
    const slept: ({ unref?: boolean } | undefined)[] = []
    const clock: Clock = {
      ...frozen,
      sleep: (_ms, options) => {
        slept.push(options)
        return new Promise(() => undefined)
      },
    }
    every(clock, 10, () => undefined, { onError: unexpected })
    await settle()
    expect(slept).toMatchObject([{ unref: true }])
  })

  it('ends, and says so, on a clock that cannot wait', async () => {
    const broken: Clock = { ...frozen, sleep: () => Promise.reject(new Error('no timers')) }
    const work = vi.fn<() => void>()
    const told: unknown[] = []
    await every(broken, 10, work, { onError: (error) => told.push(error) }).done
    expect(told).toEqual([new Error('no timers')])
    expect(work).not.toHaveBeenCalled()
  })
})

const frozen: Pick<Clock, 'now' | 'mono'> = { now: () => 0, mono: () => 0 }

describe('a time for a timer', () => {
  it.each([
    [250, 250],
    [0, 1],
    [-5, 1],
    [Number.NaN, 2_147_483_647],
    [Number.POSITIVE_INFINITY, 2_147_483_647],
    [2_147_483_648, 2_147_483_647],
  ])('of %d ms is %d ms', (ms, counted) => expect(timerMs(ms)).toBe(counted))
})
