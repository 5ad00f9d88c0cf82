/** Energy so far: marks in memory, rows by quarter hour in rig.db, priced as they are written. */
import { StokerError } from '#contract/errors.ts'
import { SECOND_MS, type EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { SettingsService } from '#core/settings/index.ts'

import type { WattGauge } from './watt-gauge.ts'
import { EnergyMeter, type MeteredStretch } from './energy-meter.ts'
import {
  addEnergy,
  addGpuEnergy,
  energyBetween,
  gpuEnergyBetween,
  methodsBetween,
  priceUnpriced,
  UNPRICED,
  type CurrencyEnergy,
  type GpuEnergy,
} from './power.store.ts'
import { costOf } from './power.ts'

/** Readers see what is at most so old: every write waits for the disk. */
const READ_AGE_MS = 5 * SECOND_MS

export interface Energy {
  /** Ends the stretch with the load so far and begins the next. Cheap. */
  mark(): void
  write(): void
  /** Of the quarter hours that begin in [from, to): sums by currency, by GPU, and the newest methods first. */
  sums(from: EpochMs, to: EpochMs): CurrencyEnergy[]
  gpus(from: EpochMs, to: EpochMs): GpuEnergy[]
  methods(from: EpochMs, to: EpochMs, limit: number): string[]
  /** After the owner named a price: what came before it is paid at it too. */
  priced(): void
}

export function createEnergy(
  { clock, rigDb }: Pick<CoreContext, 'clock' | 'rigDb'>,
  settings: Pick<SettingsService, 'current'>,
  gauge: WattGauge,
): Energy {
  const meter = new EnergyMeter()
  let writtenAt: number | null = null
  /** Parts of a nano-unit left over by the last write: of all, of what serves, and of each GPU. */
  let carry = { all: 0, serving: 0 }
  const gpuCarry = new Map<string, number>()

  const write = (): void => {
    const [taken, before] = [meter.take(), carry]
    if (taken.length === 0) return
    try {
      book(taken)
    } catch (error) {
      carry = before
      meter.giveBack(taken)
      throw error
    }
  }
  const book = (taken: readonly MeteredStretch[]): void => {
    writtenAt = clock.mono()
    const { kwhPriceNano, powerCurrency } = settings.current()
    rigDb.tx((db) => {
      for (const stretch of taken) {
        const all = costOf(stretch.joules, kwhPriceNano ?? 0, carry.all)
        const serving = costOf(stretch.servingJoules, kwhPriceNano ?? 0, carry.serving)
        carry = { all: all.carry, serving: serving.carry }
        const currency = kwhPriceNano === null ? UNPRICED : powerCurrency
        addEnergy(db, stretch, { currency, costNano: all.nano, servingCostNano: serving.nano }, stretch.method)
        for (const [gpu, { joules, ms }] of stretch.gpus) {
          const cost = costOf(joules, kwhPriceNano ?? 0, gpuCarry.get(gpu) ?? 0)
          gpuCarry.set(gpu, cost.carry)
          addGpuEnergy(db, { quarterMs: stretch.quarterMs, gpu, joules, ms }, { currency, costNano: cost.nano })
        }
      }
    })
  }
  /** Reading needs no write: where the disk takes none, what is written is shown. */
  const upToDate = (): void => {
    if (writtenAt !== null && clock.mono() - writtenAt < READ_AGE_MS) return
    try {
      write()
    } catch (error) {
      if (!(error instanceof StokerError)) throw error
    }
  }
  return {
    mark() {
      const running = gauge.running()
      const { watts, method } = gauge.now(running)
      const idleWatts = gauge.idle().watts
      meter.mark(clock.now(), clock.mono(), { watts, idleWatts, running, method, gpus: gauge.gpus() })
    },
    write,
    sums(from, to) {
      upToDate()
      return energyBetween(rigDb.read, from, to)
    },
    gpus(from, to) {
      upToDate()
      return gpuEnergyBetween(rigDb.read, from, to)
    },
    methods: (from, to, limit) => methodsBetween(rigDb.read, from, to, limit),
    priced() {
      write()
      const { kwhPriceNano, powerCurrency } = settings.current()
      if (kwhPriceNano !== null) rigDb.tx((db) => priceUnpriced(db, powerCurrency, kwhPriceNano))
    },
  }
}
