/** Amounts as digits, of a sentence and of the CSV. The screens follow the same rule (contract/decimal.ts). */
import { decimalDigits, plainDecimal } from '#contract/decimal.ts'

/** A decimal number without unit or grouping: `0.4200`, `0.00004012`, `-3.5000`; zero is `0`. */
export function shownAmount(amount: number, scale: number): string {
  if (amount === 0) return '0'
  const { negative, whole, fraction } = decimalDigits(amount, scale)
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** A price as an exact decimal, with two digits after the point at least where the unit has them. */
export const shownPrice = (price: number, scale: number): string =>
  price === 0 ? '0' : plainDecimal(decimalDigits(price, scale, scale), 2)
