/** Energy so far: marks in memory, rows by hour in rig.db, priced as they are written. */
import { SECOND_MS, type EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { SettingsService } from '#core/settings/index.ts'

import type { WattGauge } from './watt-gauge.ts'
import { EnergyMeter } from './energy-meter.ts'
import { addEnergy, energyBetween, priceUnpriced, UNPRICED, type HourRow } from './power.store.ts'
import { costOf } from './power.ts'

/** Readers see what is at most so old: every write waits for the disk. */
const READ_AGE_MS = 5 * SECOND_MS

export interface Energy {
  /** Ends the stretch with the load so far and begins the next. Cheap. */
  mark(): void
  write(): void
  hours(from: EpochMs, to: EpochMs): HourRow[]
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
  /** Parts of a nano-unit left over by the last write. */
  let carry = { all: 0, serving: 0 }

  const write = (): void => {
    const taken = meter.take()
    if (taken.length === 0) return
    writtenAt = clock.mono()
    const { kwhPriceNano, powerCurrency } = settings.current()
    rigDb.tx((db) => {
      for (const stretch of taken) {
        const all = costOf(stretch.joules, kwhPriceNano ?? 0, carry.all)
        const serving = costOf(stretch.servingJoules, kwhPriceNano ?? 0, carry.serving)
        carry = { all: all.carry, serving: serving.carry }
        addEnergy(
          db,
          stretch,
          {
            currency: kwhPriceNano === null ? UNPRICED : powerCurrency,
            costNano: all.nano,
            servingCostNano: serving.nano,
          },
          stretch.method,
        )
      }
    })
  }
  return {
    mark() {
      const running = gauge.running()
      const { watts, method } = gauge.now(running)
      meter.mark(clock.now(), clock.mono(), { watts, idleWatts: gauge.idle().watts, running, method })
    },
    write,
    hours(from, to) {
      if (writtenAt === null || clock.mono() - writtenAt >= READ_AGE_MS) write()
      return energyBetween(rigDb.read, from, to)
    },
    priced() {
      write()
      const { kwhPriceNano, powerCurrency } = settings.current()
      if (kwhPriceNano !== null) rigDb.tx((db) => priceUnpriced(db, powerCurrency, kwhPriceNano))
    },
  }
}
