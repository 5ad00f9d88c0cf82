/**
 * Which hours of the week pay. Summed in SQL by the hour of the week, once for every stretch of the range in which the
 * zone's clock did not change: a year costs three statements a stretch.
 */
import type { CutRange, Week } from '#contract/earnings.ts'
import { nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'

import { offsetsBetween } from './calendar.ts'
import type { EarningsPower, IncomeAsked, SeriesContext } from './earnings-series.ts'
import { incomeByWeekHour, listedByWeekHour } from './rollups.store.ts'

const HOURS = 168

interface Hour {
  earnedNano: number
  costNano: number | null
  onMs: number
  listedMs: number
  servedMs: number
  busyMs: number
}

export function weekOf(
  { venueId, realmDb, unit }: SeriesContext,
  power: EarningsPower,
  { range, now, ...asked }: IncomeAsked & { range: CutRange; now: EpochMs },
): Week {
  const powerCurrency = power.currency()
  const hours = Array.from({ length: HOURS }, (): Hour => ({
    earnedNano: 0,
    costNano: null,
    onMs: 0,
    listedMs: 0,
    servedMs: 0,
    busyMs: 0,
  }))
  for (const stretch of offsetsBetween(range.from, range.to, range.zone)) {
    for (const { hour, earnedNano, servedMs } of incomeByWeekHour(realmDb.read, stretch, asked)) {
      hours[hour]!.earnedNano += earnedNano
      hours[hour]!.servedMs += servedMs
    }
    for (const { hour, ms } of listedByWeekHour(realmDb.read, stretch)) hours[hour]!.listedMs += ms
    for (const row of power.weekHours(stretch.from, stretch.to, stretch.offset)) {
      const cell = hours[row.hour]!
      cell.onMs += row.coveredMs
      cell.busyMs += row.servingMs
      if (row.currency === powerCurrency) cell.costNano = (cell.costNano ?? 0) + row.costNano
    }
  }
  return {
    venueId,
    currency: unit.code,
    powerCurrency,
    at: now,
    range,
    hours: hours.map((hour) => ({
      ...hour,
      earnedNano: nano(hour.earnedNano),
      costNano: hour.costNano === null ? null : nano(hour.costNano),
    })),
  }
}
