/** What the chart of income is drawn from. */
import type { RefObject } from 'react'

import type { Mark } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import type { IncomeSource } from '#ui/chart-data.ts'

import type { PlotColumn } from './plot-data.ts'

export interface PlotProps {
  columns: readonly PlotColumn[]
  sources: readonly IncomeSource[]
  gpus: readonly string[]
  marks: readonly Mark[]
  unit: Unit
  powerCurrency: string
  /** Income and electricity are one money. */
  one: boolean
  withNet: boolean
  /** Running sums instead of bars. */
  sums: boolean
  /** Electricity by GPU. */
  byGpu: boolean
  /** Read out instead of the picture. */
  label: string
  /** The moment of the answer. */
  now: number
  picture: RefObject<HTMLElement | null>
}
