/** One column, one number of decimals: as many as its finest figure needs. */
import { decimalsFor } from '#contract/decimal.ts'
import { decimal, type Scaled } from '#ui/format.ts'

/** Writes the amounts of one column; a minus sign as everywhere. */
export function onePrecision(values: readonly number[], unit: Scaled): (value: number) => string {
  const needed = values.filter((value) => value !== 0).map((value) => decimalsFor(Math.abs(value), unit.scale))
  const digits = Math.max(0, ...needed)
  return (value) => decimal(value, unit, digits)
}
