/** What every chart of income shares, whoever draws it: the scale of both halves, and the lines of its hover. */
import type { ReactNode } from 'react'

import { axisWidth } from './axis.ts'
import { tickLabel, ticks } from './chart-data.ts'
import { POWER, powerMoney, type Scaled } from './format.ts'
import { t } from './say.ts'

export interface Axes {
  /** Ticks above the axis in the smallest parts of the unit, and the one below it in those of electricity. */
  readonly top: readonly number[]
  readonly below: number
  readonly width: number
  readonly unit: Scaled
}

/** Both halves get the same room for their figures, so that their buckets stand below each other. */
export function axesOf(highest: number, power: number, unit: Scaled): Axes {
  const top = ticks(highest)
  const below = ticks(power).at(-1) ?? 0
  return {
    top,
    below,
    width: axisWidth([...top.map((value) => tickLabel(value, top[1] ?? 1, unit)), tickLabel(below, below, POWER)]),
    unit,
  }
}

export function TipLines({ title, lines }: { title: ReactNode; lines: readonly (readonly [string, ReactNode])[] }) {
  return (
    <div className="chart-tip num">
      <b>{title}</b>
      {lines.map(([name, value]) => (
        <div key={name}>
          <span>{name}</span>
          <span>{value}</span>
        </div>
      ))}
    </div>
  )
}

export const powerLine = (power: number | null, currency: string): readonly [string, string] => [
  t('income.electricity'),
  power === null ? t('income.unknown') : powerMoney(power, currency),
]
