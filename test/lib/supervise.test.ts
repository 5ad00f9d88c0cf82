/**
 * How children are ended, and the table of how long each may take. Catches: a kill before the child had its time, a step
 * that is skipped or taken twice, a parent that may leave before its child, a page that says other times than hold.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import type { Clock } from '#contract/time.ts'
import { CHILD_POLICIES, pauseAfter, policyTable, PULSE_MS, type ChildPolicy } from '#lib/child-policies.ts'
import { endChild } from '#lib/supervise.ts'
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

describe('the table of policies', () => {
  const policies: [string, ChildPolicy][] = Object.entries(CHILD_POLICIES)

  it.each(policies)('gives %s pauses that grow, and time before a kill', (_name, policy) => {
    const { pausesMs, end, silence, readyMs } = policy
    const pauses = Array.from({ length: pausesMs.length + 2 }, (_, index) => pauseAfter(policy, index + 1, () => 1))
    expect(pauses).toEqual([...pausesMs, pausesMs.at(-1), pausesMs.at(-1)])
    expect(pauses.every((ms, index) => ms > 0 && ms >= (pauses[index - 1] ?? 0))).toBe(true)
    expect([end.askMs > 0, end.killMs > 0, readyMs > 0]).toEqual([true, true, true])
    // Two pulses may be lost before one is called silent.
    if (silence?.counts === 'always') expect(silence.saidMs).toBeGreaterThan(2 * PULSE_MS)
    if (silence !== null) expect(silence.killMs).toBeGreaterThan(silence.saidMs)
  })

  it('draws a pause from its upper half', () => {
    const pauses = [0, 0.5, 0.999].map((random) => pauseAfter({ pausesMs: [1_000] }, 7, () => random))
    expect(pauses).toEqual([500, 750, 1_000])
  })

  it('is what docs/processes.md prints', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/processes.md'), 'utf8')
    expect(page).toContain(policyTable())
  })
})
