/**
 * Amounts as people read them: a sentence's and the CSV's. The screens follow the same rule (contract/decimal.ts), so
 * that sentence, CSV and chart agree.
 */
import { decimalDigits, plainDecimal } from '#contract/decimal.ts'
import { isOnePrice, type Price } from '#contract/money.ts'
import type { Unit } from '#contract/units.ts'

/** A decimal number without unit or grouping: `0.4200`, `0.00004012`, `-3.5000`; zero is `0`. */
export function shownAmount(amount: number, scale: number): string {
  if (amount === 0) return '0'
  const { negative, whole, fraction } = decimalDigits(amount, scale)
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

const grouped = (text: string): string => text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ','))

/** With its unit: `$0.4200` where money has a sign, else `0.4200 practice credits`, `0.0310 EUR`. */
const inUnit = (number: string, unit: Unit): string => {
  if (unit.kind !== 'money' || unit.sign === undefined) return `${number} ${unit.name}`
  return number.startsWith('-') ? `-${unit.sign}${number.slice(1)}` : `${unit.sign}${number}`
}

export const amountInWords = (amount: number, unit: Unit): string =>
  inUnit(grouped(shownAmount(amount, unit.scale)), unit)

/**
 * A price per million tokens, one figure where the three are equal: at least two decimals where the unit has them, without trailing zeros
 * beyond them.
 */
export function priceInWords(price: Price, unit: Unit): string {
  const one = (value: number): string =>
    inUnit(value === 0 ? '0' : grouped(plainDecimal(decimalDigits(value, unit.scale), 2)), unit)
  if (isOnePrice(price)) return one(price.output)
  return `${one(price.input)} (input), ${one(price.cachedInput)} (cached input), ${one(price.output)} (output)`
}
