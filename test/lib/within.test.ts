/**
 * Deadlines. Catches: an answer in time that is called late, the work's own error lost, a timer left behind, late work
 * that is not told, a late rejection that nobody handles, a caller that goes on while its work still runs.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import { within } from '#lib/within.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'

const late = (): StokerError => new StokerError('TIMEOUT', 'too late')

/** What became of a promise, without waiting for it. */
function watch(promise: Promise<unknown>): { outcome: string } {
  const seen = { outcome: 'open' }
  promise.then(
    (value) => (seen.outcome = `value ${String(value)}`),
    (error: Error) => (seen.outcome = error.message),
  )
  return seen
}

describe('within', () => {
  it('gives what comes in time, result or error, and its own error otherwise; no timer stays', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 200 }),
        fc.boolean(),
        fc.boolean(),
        async (deadlineMs, workMs, fails, asPromise) => {
          fc.pre(workMs !== deadlineMs)
          const clock = new FakeClock()
          const work = async (): Promise<string> => {
            await clock.sleep(workMs)
            if (fails) throw new Error('own error')
            return 'result'
          }
          const seen = watch(within(clock, deadlineMs, asPromise ? work() : work, late))
          await clock.advance(Math.min(workMs, deadlineMs))
          const inTime = fails ? 'own error' : 'value result'
          expect(seen.outcome).toBe(workMs < deadlineMs ? inTime : 'too late')
          // The work itself is still open where it was late: its end, or its error, is nobody's any more.
          await clock.advance(200)
          expect(clock.waiting).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('is open until the deadline', async () => {
    const clock = new FakeClock()
    const seen = watch(within(clock, 100, new Promise(() => undefined), late))
    await clock.advance(99)
    expect(seen.outcome).toBe('open')
    await clock.advance(1)
    expect(seen.outcome).toBe('too late')
  })

  it('aborts the work with the error the caller gets, whatever the work makes of it', async () => {
    const clock = new FakeClock()
    let reason: unknown
    const work = (deadline: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => {
        deadline.addEventListener('abort', () => {
          reason = deadline.reason
          reject(new Error('connection reset'))
        })
      })
    const error: unknown = await Promise.all([
      within(clock, 100, work, late).catch((error: unknown) => error),
      clock.advance(100),
    ]).then(([error]) => error)
    expect(error).toMatchObject({ code: 'TIMEOUT' })
    expect(reason).toBe(error)
  })

  it('never keeps the process alive', async () => {
    const slept: ({ unref?: boolean } | undefined)[] = []
    const clock: Clock = {
      now: () => 0,
      mono: () => 0,
      sleep: (_ms, options) => {
        slept.push(options)
        return new Promise(() => undefined)
      },
    }
    await within(clock, 100, Promise.resolve(), late)
    expect(slept).toMatchObject([{ unref: true }])
  })

  it('does not abort work that was in time', async () => {
    const clock = new FakeClock()
    let given: AbortSignal | undefined
    await within(
      clock,
      100,
      (deadline) => {
        given = deadline
        return Promise.resolve()
      },
      late,
    )
    await clock.advance(200)
    expect(given?.aborted).toBe(false)
  })

  it('gives the error of work that throws before it makes a promise', async () => {
    const clock = new FakeClock()
    const thrown = within(
      clock,
      100,
      () => {
        throw new Error('at once')
      },
      late,
    )
    await expect(thrown).rejects.toThrow('at once')
    expect(clock.waiting).toBe(0)
  })

  describe('that awaits its work', () => {
    const untilTold = (clock: FakeClock, endsMs: number, how: () => string) => {
      let ended = false
      const work = async (deadline: AbortSignal): Promise<string> => {
        await new Promise((resolve) => {
          deadline.addEventListener('abort', resolve)
        })
        await clock.sleep(endsMs)
        ended = true
        return how()
      }
      return { seen: watch(within(clock, 100, work, late, { awaitWork: true })), ended: () => ended }
    }

    it('is late when the work has ended, with its own error', async () => {
      const clock = new FakeClock()
      const { seen, ended } = untilTold(clock, 50, () => {
        throw new Error('cancelled')
      })
      await clock.advance(149)
      expect([seen.outcome, ended()]).toEqual(['open', false])
      await clock.advance(1)
      expect([seen.outcome, ended()]).toEqual(['too late', true])
    })

    it('takes what the work still returns', async () => {
      const clock = new FakeClock()
      const { seen } = untilTold(clock, 50, () => 'a part')
      await clock.advance(150)
      expect(seen.outcome).toBe('value a part')
      await settle()
      expect(clock.waiting).toBe(0)
    })
  })
})
