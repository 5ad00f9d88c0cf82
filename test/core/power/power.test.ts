import { call } from '@orpc/server'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { HOUR_MS, MINUTE_MS, QUARTER_MS } from '#contract/time.ts'
import { createPower } from '#core/power/index.ts'
import { composeWatts, costOf, costOfJobTime, estimateWatts, stretches } from '#core/power/power.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { createSettings } from '#core/settings/index.ts'
import { settle } from '#test/support/fake-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const NONE = { name: 'RAPL', read: () => Promise.resolve(null) }
const PRICE = 300_000_000

let rig: RigContext
let jobs: number
let billed: { tokens: number; servedMs: number }
let readings: { gpu: number | null; processor: number | null }
beforeEach(() => {
  rig = rigContext()
  jobs = 0
  billed = { tokens: 0, servedMs: 0 }
  readings = { gpu: null, processor: null }
})
afterEach(() => rig.dispose())

const start = (price: number | null = PRICE) => {
  const settings = createSettings(rig, 'rig')
  settings.change({ kwhPriceNano: price, powerCurrency: 'EUR', wattsServing: 100, wattsIdle: 40 })
  const power = createPower(rig, {
    settings,
    running: () => jobs,
    devices: () => [],
    billed: () => billed,
    sources: {
      gpu: { name: 'nvidia-smi', read: () => Promise.resolve(readings.gpu) },
      processor: { name: 'RAPL', read: () => Promise.resolve(readings.processor) },
    },
    cores: 8,
  })
  power.start()
  return { settings, power }
}
const run = async (count: number): Promise<void> => {
  jobs = count
  rig.events.changed('jobs')
  await settle()
}
const sums = (power: ReturnType<typeof start>['power']) => power.sums(0, rig.clock.now() + HOUR_MS)

describe('energy by quarter hour', () => {
  it('is written every five minutes, or when somebody reads it: each write costs the disk its pages', async () => {
    const { power } = start()
    const written = (): number =>
      rig.rigDb.read.prepare<{ ms: number }>('SELECT coalesce(sum(covered_ms), 0) AS ms FROM power_quarter').get()!.ms
    await rig.clock.advance(4.5 * MINUTE_MS)
    expect(written()).toBe(0)
    await rig.clock.advance(MINUTE_MS)
    expect(written()).toBeGreaterThan(4.5 * MINUTE_MS)
    const before = written()
    await rig.clock.advance(MINUTE_MS)
    expect(written()).toBe(before)
    expect(sums(power)[0]?.coveredMs).toBeGreaterThan(before + 0.9 * MINUTE_MS)
    await power.stop()
  })

  it('sums whole-machine energy, what jobs took above idle, and its cost to the nano', async () => {
    const { power } = start()
    await rig.clock.advance(10 * MINUTE_MS)
    await run(2)
    await rig.clock.advance(10 * MINUTE_MS)
    await run(0)
    await power.stop()
    // 600 s × 40 W + 600 s × 100 W = 84 kJ; above idle 600 s × 60 W = 36 kJ = 0.01 kWh = 0.003 EUR.
    expect(sums(power)).toEqual([
      {
        currency: 'EUR',
        joules: 84_000,
        servingJoules: 36_000,
        costNano: 7_000_000,
        servingCostNano: 3_000_000,
        coveredMs: 20 * MINUTE_MS,
        servingMs: 10 * MINUTE_MS,
        jobMs: 20 * MINUTE_MS,
      },
    ])
    expect(rig.clock.waiting).toBe(0)
  })

  it('splits at the quarter hour and keeps what earlier runs stored', async () => {
    const first = start()
    await rig.clock.advance(50 * MINUTE_MS)
    await first.power.stop()
    const second = start()
    await rig.clock.advance(20 * MINUTE_MS)
    await second.power.stop()
    const start0 = rig.clock.now() - 70 * MINUTE_MS
    const quarters = [0, 1, 2, 3, 4].map((index) => start0 + index * QUARTER_MS)
    expect(quarters.map((at) => second.power.sums(at, at + QUARTER_MS)[0]?.coveredMs)).toEqual(
      [15, 15, 15, 15, 10].map((minutes) => minutes * MINUTE_MS),
    )
  })

  it('does not invent energy for the time the machine slept', async () => {
    const { power } = start()
    await rig.clock.advance(MINUTE_MS)
    rig.clock.jump(3 * MINUTE_MS)
    await rig.clock.advance(MINUTE_MS)
    await power.stop()
    expect(sums(power)[0]?.coveredMs).toBeLessThan(2.2 * MINUTE_MS)
  })

  it('prices what came before the first price at the first price, and never re-prices what had one', async () => {
    const { power, settings } = start(null)
    await rig.clock.advance(10 * MINUTE_MS)
    expect(sums(power)).toMatchObject([{ currency: '', joules: 24_000, costNano: 0 }])
    settings.change({ kwhPriceNano: PRICE })
    expect(sums(power)).toMatchObject([{ currency: 'EUR', joules: 24_000, costNano: 2_000_000 }])
    settings.change({ kwhPriceNano: 2 * PRICE })
    await rig.clock.advance(10 * MINUTE_MS)
    await power.stop()
    expect(sums(power)).toMatchObject([{ currency: 'EUR', joules: 48_000, costNano: 6_000_000 }])
  })

  it('keeps currencies apart', async () => {
    const { power, settings } = start()
    await rig.clock.advance(5 * MINUTE_MS)
    power.sums(0, 1)
    settings.change({ powerCurrency: 'USD' })
    await rig.clock.advance(10 * MINUTE_MS)
    await power.stop()
    expect(sums(power).map(({ currency }) => currency)).toEqual(['EUR', 'USD'])
  })
})

describe('energy by GPU', () => {
  it('is a part of the whole, priced alike, for GPUs whose meter reads each by itself', async () => {
    const settings = createSettings(rig, 'rig')
    settings.change({ kwhPriceNano: null, powerCurrency: 'EUR' })
    const power = createPower(rig, {
      settings,
      running: () => 0,
      devices: () => [],
      billed: () => billed,
      sources: {
        gpu: {
          name: 'nvidia-smi',
          read: () => Promise.resolve(200),
          parts: () => [
            { gpu: 'GPU-1a', watts: 120 },
            { gpu: 'GPU-2b', watts: 80 },
          ],
        },
        processor: { name: 'RAPL', read: () => Promise.resolve(40) },
      },
      cores: 8,
    })
    const from = rig.clock.now()
    power.start()
    await settle()
    await rig.clock.advance(20 * MINUTE_MS)
    settings.change({ kwhPriceNano: PRICE })
    await rig.clock.advance(10 * MINUTE_MS)
    await power.stop()
    const [whole] = power.sums(from, rig.clock.now())
    const gpus = power.gpus(from, rig.clock.now())
    expect(gpus.map(({ gpu, currency }) => [gpu, currency])).toEqual([
      ['GPU-1a', 'EUR'],
      ['GPU-2b', 'EUR'],
    ])
    const [first, second] = gpus as [(typeof gpus)[0], (typeof gpus)[0]]
    // 30 minutes less the first sample of 5 s, which no meter had read yet.
    expect(first.joules / 120).toBeCloseTo(second.joules / 80, 6)
    expect(first.joules / 120).toBeGreaterThan(29.8 * 60)
    expect(first.joules + second.joules).toBeLessThan(whole!.joules)
    expect(first.costNano / ((first.joules * PRICE) / 3_600_000)).toBeCloseTo(1, 4)
    // Each quarter hour has its own row, and they sum to the whole range.
    const [head] = power.gpus(from, from + QUARTER_MS)
    expect(head?.joules).toBeLessThan(first.joules)
  })

  it('is nothing where a meter gives only a sum', async () => {
    const { power } = start()
    readings = { gpu: 150, processor: 50 }
    await rig.clock.advance(MINUTE_MS)
    await power.stop()
    expect(power.sums(0, rig.clock.now() + HOUR_MS)).toHaveLength(1)
    expect(power.gpus(0, rig.clock.now() + HOUR_MS)).toEqual([])
  })
})

describe('what work costs', () => {
  it('sees jobs far shorter than a sample, told before or after the count changes', async () => {
    const { power } = start()
    for (let job = 0; job < 60; job += 1) {
      rig.events.changed('jobs')
      jobs = 1
      await rig.clock.advance(100)
      jobs = 0
      rig.events.changed('jobs')
      await rig.clock.advance(900)
    }
    await power.stop()
    expect(sums(power)).toMatchObject([{ jobMs: 6_000, servingMs: 6_000, servingJoules: 360 }])
  })

  it('a meter that saw no job yet knows no cost of one', async () => {
    const { power } = start()
    readings = { gpu: 20, processor: 10 }
    await rig.clock.advance(MINUTE_MS)
    expect(power.ofJob({ startedAt: rig.clock.now(), endedAt: rig.clock.now() + 1_000 })).toBeNull()
    await power.stop()
  })

  it('a job pays for its share of the time, two at once half each', async () => {
    const { power } = start()
    // No job was seen yet: 60 W above idle by the estimate, for a minute.
    expect(power.ofJob({ startedAt: rig.clock.now(), endedAt: rig.clock.now() + MINUTE_MS })).toBe(300_000)
    const startedAt = rig.clock.now()
    await run(2)
    await rig.clock.advance(10 * MINUTE_MS)
    await run(0)
    await rig.clock.advance(MINUTE_MS)
    const job = { startedAt, endedAt: startedAt + 10 * MINUTE_MS }
    expect(power.ofJob(job)).toBe(1_500_000)
    billed = { tokens: 250_000, servedMs: 20 * MINUTE_MS }
    expect(power.perMtok()).toEqual({
      nanoPerMtok: 12_000_000,
      currency: 'EUR',
      method: "electricity above idle while serving, last 7 days; owner's estimate: 100 W serving, 40 W idle",
    })
    await power.stop()
    expect(power.powerNanoPerMtok()).toBe(12_000_000)
  })

  it('is unknown without tokens and without a price', async () => {
    const { power } = start(null)
    await run(1)
    await rig.clock.advance(MINUTE_MS)
    billed = { tokens: 1_000, servedMs: 1_000 }
    expect(power.perMtok().nanoPerMtok).toBeNull()
    await power.stop()
    billed = { tokens: 0, servedMs: 0 }
    expect(power.perMtok().nanoPerMtok).toBeNull()
  })
})

describe('watts', () => {
  it('learns the idle level of the meters and says the method', async () => {
    const { power } = start()
    readings = { gpu: 20, processor: 10 }
    await rig.clock.advance(MINUTE_MS)
    readings = { gpu: 150, processor: 50 }
    await run(1)
    await rig.clock.advance(MINUTE_MS)
    const shown = await call(power.api.power, undefined, { context: { scopes: ALL_SCOPES } })
    expect(shown).toMatchObject({
      watts: { value: 200, method: 'measured: GPU (nvidia-smi) and processor (RAPL), without the rest of the machine' },
      idle: { value: 30 },
    })
    expect(rig.clock.now() - (shown.watts?.at ?? 0)).toBeLessThanOrEqual(5_000)
    await power.stop()
    expect(sums(power)[0]).toMatchObject({ servingMs: MINUTE_MS })
    expect(sums(power)[0]?.servingJoules).toBeGreaterThan(0.9 * 60 * 170)
  })

  it.each([
    ['nothing readable', { gpu: null, processor: null }, 1, true, 100, /^estimate: 8 cores/],
    ['nothing readable, idle', { gpu: null, processor: null }, 0, true, 40, /40 % idle/],
    ['GPU only, model on it', { gpu: 150, processor: null }, 1, false, 190, /GPU.*rest by estimate/],
    ['GPU only, model on the processor', { gpu: 10, processor: null }, 1, true, 110, /GPU.*rest by estimate/],
    ['processor only', { gpu: null, processor: 33 }, 1, true, 33, /RAPL/],
  ] as const)('%s', (_name, readings, running, onProcessor, watts, method) => {
    const shown = composeWatts(readings, { running, onProcessor }, { wattsServing: null, wattsIdle: null }, 8, {
      gpu: 'nvidia-smi',
      processor: 'RAPL',
    })
    expect(shown.watts).toBe(watts)
    expect(shown.method).toMatch(method)
    expect(shown.method.length).toBeLessThanOrEqual(120)
  })

  it('an owner who names one figure gets the other by the rule, never idle above serving', () => {
    expect(estimateWatts({ wattsServing: 200, wattsIdle: null }, 8)).toMatchObject({ serving: 200, idle: 80 })
    expect(estimateWatts({ wattsServing: null, wattsIdle: 150 }, 8)).toMatchObject({ serving: 100, idle: 100 })
  })

  it('a failing meter ends nothing', async () => {
    const settings = createSettings(rig, 'rig')
    const power = createPower(rig, {
      settings,
      running: () => 0,
      devices: () => [],
      billed: () => billed,
      sources: { gpu: { name: 'nvidia-smi', read: () => Promise.reject(new Error('driver gone')) }, processor: NONE },
      cores: 8,
    })
    power.start()
    await rig.clock.advance(MINUTE_MS)
    expect(power.currentWatts()?.value).toBe(40)
    await power.stop()
  })
})

describe('arithmetic', () => {
  it('property: stretches cover the time exactly, each within one quarter hour', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2e12 }),
        fc.integer({ min: 0, max: 5 * HOUR_MS }),
        fc.integer({ min: 0, max: 8 }),
        (from, ms, running) => {
          const deps = stretches(from, from + ms, 100, 40, running)
          expect(deps.reduce((sum, part) => sum + part.ms, 0)).toBe(ms)
          expect(deps.reduce((sum, part) => sum + part.jobMs, 0)).toBe(ms * running)
          expect(deps.reduce((sum, part) => sum + part.joules, 0)).toBeCloseTo(ms / 10, 3)
          for (const part of deps) expect(part.quarterMs % QUARTER_MS).toBe(0)
        },
      ),
    )
  })

  it('property: many small costs sum to the whole within one nano-unit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        fc.integer({ min: 0, max: 1e12 }),
        (steps, price) => {
          let carry = 0
          let sum = 0
          for (const joules of steps) {
            const cost = costOf(joules, price, carry)
            carry = cost.carry
            sum += cost.nano
          }
          const whole = (steps.reduce((a, b) => a + b, 0) * price) / 3_600_000
          expect(Math.abs(sum - whole)).toBeLessThan(1.01 + whole * 1e-12)
        },
      ),
    )
  })

  it('has no rate without job time', () => expect(costOfJobTime({ servingCostNano: 5, jobMs: 0 }, 1_000)).toBeNull())
})
