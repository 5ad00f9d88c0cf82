/** Amounts as a terminal prints them. */
import { decimalDigits, plainDecimal } from '#contract/decimal.ts'
import { knownUnit } from '#contract/units.ts'

/** `0.42 practice credits`; an amount of a unit that only its venue knows is printed as it is stored. */
export const amount = (nano: number, code: string): string => {
  const unit = knownUnit(code)
  return unit === undefined
    ? `${nano} smallest parts of ${code}`
    : `${plainDecimal(decimalDigits(nano, unit.scale))} ${unit.name}`
}

/** `1 job`, `12 jobs`. */
export const many = (n: number, one: string, more: string): string => `${n} ${n === 1 ? one : more}`
