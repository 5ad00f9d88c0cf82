/** Hours of the week as the figures of a heat map. Pure. */
import type { Week } from '#contract/earnings.ts'

const HOUR_MS = 3_600_000
export const DAY_NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

export interface WeekCell {
  /** 0 is Monday. */
  day: number
  hour: number
  /** Per listed hour, in nano-units; null where nothing was listed and nothing earned. */
  value: number | null
  earned: number
  /** Null where it is unknown. */
  cost: number | null
  listedMs: number
  busyMs: number
}

/** `net`: less all electricity of that hour of the week. An hour in which something was sold unlisted counts as one hour. */
export const weekCells = ({ hours }: Pick<Week, 'hours'>, net: boolean): WeekCell[] =>
  hours.map(({ earnedNano, costNano, listedMs, busyMs }, index) => {
    const left = earnedNano - (net ? (costNano ?? 0) : 0)
    return {
      day: Math.floor(index / 24),
      hour: index % 24,
      value: listedMs === 0 ? (earnedNano === 0 ? null : left) : Math.round((left * HOUR_MS) / listedMs),
      earned: earnedNano,
      cost: costNano,
      listedMs,
      busyMs,
    }
  })

/** A power of ten that brings the largest value to between 1 and 999, so that cells print two or three digits. */
export function cellScale(cells: readonly WeekCell[], scale: number): { factor: number; exponent: number } {
  const highest = Math.max(0, ...cells.map(({ value }) => Math.abs(value ?? 0)))
  if (highest === 0) return { factor: 10 ** scale, exponent: 0 }
  const exponent = Math.floor(Math.log10(highest / 10 ** scale) / 3) * 3
  return { factor: 10 ** (scale + exponent), exponent }
}
