/**
 * How children are kept running and ended. Catches: a kill before the child had its time, a step that is skipped or
 * taken twice, a parent that may leave before its child, two lives at once, a restart after the end was asked for, a
 * pause that is not the table's.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Clock } from '#contract/time.ts'
import { CHILD_POLICIES, endChild, keepRunning, pauseAfter, watchReady, type ChildPolicy } from '#lib/supervise.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'

const TIMES = { askMs: 100, terminateMs: 50, killMs: 20 }

/** A child that ends so long after the named step; every step is noted with its time. */
function stubborn(clock: FakeClock, endsBy: 'ask' | 'terminate' | 'kill' | 'nothing', afterMs = 0) {
  const exited = Promise.withResolvers<void>()
  const taken: string[] = []
  const step = (name: string) => (): void => {
    taken.push(`${name} at ${clock.mono()}`)
    if (name === endsBy) void clock.sleep(afterMs).then(() => exited.resolve())
  }
  return { exited: exited.promise, taken, ask: step('ask'), terminate: step('terminate'), kill: step('kill') }
}

describe('the end of a child', () => {
  it.each([
    ['ask', true, ['ask at 0']],
    ['terminate', true, ['ask at 0', 'terminate at 100']],
    ['kill', true, ['ask at 0', 'terminate at 100', 'kill at 150']],
    ['nothing', false, ['ask at 0', 'terminate at 100', 'kill at 150']],
  ] as const)('by %s is %s after %j', async (endsBy, gone, steps) => {
    const clock = new FakeClock()
    const { exited, taken, ...acts } = stubborn(clock, endsBy)
    const ended = endChild(clock, exited, TIMES, acts)
    await clock.advance(1_000)
    expect([await ended, taken]).toEqual([gone, steps])
    expect(clock.waiting).toBe(0)
  })

  it('comes at once, without a wait, where nobody waits for a kill', async () => {
    const clock = new FakeClock()
    const { exited, taken, kill } = stubborn(clock, 'nothing')
    await expect(endChild(clock, exited, { ...TIMES, killMs: 0 }, { kill })).resolves.toBe(false)
    expect(taken).toEqual(['kill at 0'])
  })

  it('leaves out the steps that the caller does not take', async () => {
    const clock = new FakeClock()
    const { exited, taken, ask, kill } = stubborn(clock, 'kill', 5)
    const ended = endChild(clock, exited, TIMES, { ask, kill })
    await clock.advance(105)
    expect([await ended, taken]).toEqual([true, ['ask at 0', 'kill at 100']])
    // A timer that stays would hold the process.
    expect(clock.waiting).toBe(0)
  })

  it('keeps the process alive until it has come (an orphan holds its folder)', async () => {
    const slept: unknown[] = []
    const clock: Clock = {
      now: () => 0,
      mono: () => 0,
      sleep: (_ms, options) => {
        slept.push(options?.unref)
        return new Promise(() => undefined)
      },
    }
    void endChild(clock, new Promise(() => undefined), TIMES, { ask: () => undefined, kill: () => undefined })
    await settle()
    expect(slept).toEqual([undefined])
  })
})

describe('a child kept running', () => {
  const POLICY = { pausesMs: [10, 40, 90], healthyMs: 500 } as const

  /** Lives of these lengths, the last one repeating; when each began, and what was told of each end. */
  function run(clock: FakeClock, livesMs: readonly number[]) {
    const ending = new AbortController()
    const began: number[] = []
    const failures: number[] = []
    let alive = 0
    let most = 0
    const done = keepRunning(
      clock,
      POLICY,
      async () => {
        began.push(clock.mono())
        most = Math.max(most, (alive += 1))
        await clock.sleep(livesMs[Math.min(began.length, livesMs.length) - 1]!)
        alive -= 1
      },
      { signal: ending.signal, onFailed: (count) => failures.push(count) },
    )
    return { began, failures, done, end: () => ending.abort(), most: () => most }
  }

  it('is started again after the pauses of the table, the last of which repeats', async () => {
    const clock = new FakeClock()
    const child = run(clock, [0])
    await clock.advance(10 + 40 + 90 + 90)
    expect(child.began).toEqual([0, 10, 50, 140, 230])
    expect(child.failures).toEqual([1, 2, 3, 4, 5])
    child.end()
    await child.done
    expect(clock.waiting).toBe(0)
  })

  it('begins its count afresh when it lived long enough, and not sooner', async () => {
    const clock = new FakeClock()
    const child = run(clock, [0, 500, 501, 0])
    await clock.advance(1_061)
    expect(child.failures.slice(0, 4)).toEqual([1, 2, 1, 2])
    child.end()
    await clock.advance(1_000)
    await child.done
  })

  it('is not started again, nor called failed, when its end was asked for', async () => {
    const clock = new FakeClock()
    const child = run(clock, [100])
    await clock.advance(50)
    child.end()
    await clock.advance(1_000)
    await child.done
    expect([child.began, child.failures, clock.waiting]).toEqual([[0], [], 0])
  })

  it('is one at a time, whatever its lives and whenever it ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 3_000 }),
        async (livesMs, endsAt) => {
          const clock = new FakeClock()
          const child = run(clock, livesMs)
          await clock.advance(endsAt)
          child.end()
          const begun = child.began.length
          await clock.advance(1_000)
          await child.done
          expect([child.most(), child.began.length, clock.waiting]).toEqual([1, begun, 0])
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('the time a child has to become ready', () => {
  function watch(clock: FakeClock) {
    const ending = new AbortController()
    const lateAt: number[] = []
    return { ...watchReady(clock, 100, ending.signal, () => lateAt.push(clock.mono())), lateAt, end: ending }
  }

  it('ends once, when it is over', async () => {
    const clock = new FakeClock()
    const { lateAt } = watch(clock)
    await clock.advance(99)
    expect(lateAt).toEqual([])
    await clock.advance(1_000)
    expect(lateAt).toEqual([100])
  })

  it('does not run while the child is busy, however long, and is whole again afterwards (a migration was killed)', async () => {
    const clock = new FakeClock()
    const { busy, done, lateAt } = watch(clock)
    await clock.advance(90)
    busy()
    await clock.advance(3_600_000)
    busy()
    expect([lateAt, clock.waiting]).toEqual([[], 0])
    done()
    await clock.advance(99)
    expect(lateAt).toEqual([])
    await clock.advance(1)
    expect(lateAt).toEqual([3_600_190])
  })

  it('leaves no timer when it is no longer watched', async () => {
    const clock = new FakeClock()
    const { busy, done, lateAt, end } = watch(clock)
    end.abort()
    busy()
    done()
    await clock.advance(1_000)
    expect([lateAt, clock.waiting]).toEqual([[], 0])
  })
})

describe('the table of policies', () => {
  const policies: [string, ChildPolicy][] = Object.entries(CHILD_POLICIES)

  it.each(policies)('gives %s pauses that grow, and time before a kill', (_name, policy) => {
    const { pausesMs, end } = policy
    const pauses = Array.from({ length: pausesMs.length + 2 }, (_, index) => pauseAfter(policy, index + 1))
    expect(pauses).toEqual([...pausesMs, pausesMs.at(-1), pausesMs.at(-1)])
    expect(pauses.every((ms, index) => ms > 0 && ms >= (pauses[index - 1] ?? 0))).toBe(true)
    expect(end.askMs).toBeGreaterThan(0)
  })
})
