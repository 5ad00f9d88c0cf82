/** A process that is there and says nothing: stopped by the system, or hung. */
import { describe, expect, it, onTestFinished } from 'vitest'

import { BEAT_MS, createHostPulse } from '#engine/client/host-pulse.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { until } from '#test/support/until.ts'

import { ask, NANO, ONE_SLOT, realEngine, SHA, submit } from '../engine-support.ts'

describe('the pulse of a host', () => {
  it('counts beats without an answer, asks one question at a time, and forgets them with the answer', async () => {
    const clock = new FakeClock()
    const asked: number[] = []
    const pulse = createHostPulse({ clock, ping: (n) => asked.push(n) })
    await clock.advance(5 * BEAT_MS)
    expect(asked, 'nobody is asked before there is a model').toEqual([])
    pulse.begin()
    await clock.advance(BEAT_MS)
    expect([asked, pulse.silentMs()]).toEqual([[1], 0])
    await clock.advance(3 * BEAT_MS)
    expect([asked, pulse.silentMs()]).toEqual([[1], 3 * BEAT_MS])
    pulse.answered(0)
    expect(pulse.silentMs()).toBe(3 * BEAT_MS)
    pulse.answered(1)
    expect(pulse.silentMs()).toBe(0)
    await clock.advance(BEAT_MS)
    expect(asked).toEqual([1, 2])
    // A computer that slept for a day is one beat further.
    clock.jump(86_400_000)
    await clock.advance(1)
    expect(pulse.silentMs()).toBe(BEAT_MS)
    pulse.end()
    expect([pulse.silentMs(), clock.waiting]).toEqual([0, 0])
  })
})

describe.skipIf(process.platform === 'win32')('a real host that is stopped (SIGSTOP)', () => {
  it.each(['idle', 'at work'])(
    'is silent within five seconds while %s, and is there again when it goes on',
    async (how) => {
      // The time that a loaded machine takes to load the model is not what is measured.
      const { engine } = realEngine()
      onTestFinished(() => engine.stop())
      await engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
      const job = how === 'idle' ? null : submit(engine, ask('Go on', { maxTokens: 120, ignoreEos: true }))
      const pid = engine.stats().pid!
      process.kill(pid, 'SIGSTOP')
      const stoppedAt = performance.now()
      await until('silence', () => (engine.stats().silentMs ?? 0) >= 3_000)
      expect(performance.now() - stoppedAt).toBeLessThan(5_000)
      expect(engine.stats().processes[0]?.state).toBe('unreachable')
      process.kill(pid, 'SIGCONT')
      await until('an answer', () => engine.stats().silentMs === 0)
      expect(engine.stats().processes[0]?.state).toBe('loaded')
      if (job !== null) expect((await job.outcome).error).toBeNull()
    },
    120_000,
  )
})
