/**
 * Amounts of any scale as decimal digits and back, by integer arithmetic only. Core and screens share it, so that
 * sentence, CSV and chart agree. Zod-free.
 */

/**
 * How many decimals are shown: two from 1,000 on, four from a tenth on, below that as many as four significant digits
 * take; never more than the unit has, so nothing earned shows as 0.00.
 */
export function decimalsFor(amount: number, scale: number): number {
  const size = Math.abs(amount)
  const one = 10 ** scale
  if (size >= 1_000 * one) return Math.min(scale, 2)
  if (size >= one / 10 || size === 0) return Math.min(scale, 4)
  return Math.min(scale, scale - size.toString().length + 4)
}

export interface DecimalDigits {
  /** False also where a negative amount is rounded to nothing. */
  readonly negative: boolean
  readonly whole: number
  /** `decimals` digits. */
  readonly fraction: string
}

/** An integer of 10^-scale, rounded half away from zero to `decimals` (at most `scale`) digits after the point. */
export function decimalDigits(amount: number, scale: number, decimals = decimalsFor(amount, scale)): DecimalDigits {
  const step = 10 ** (scale - decimals)
  const size = Math.abs(amount)
  const steps = (size - (size % step)) / step + ((size % step) * 2 >= step ? 1 : 0)
  const perWhole = 10 ** decimals
  return {
    negative: amount < 0 && steps > 0,
    whole: Math.floor(steps / perWhole),
    fraction: decimals === 0 ? '' : (steps % perWhole).toString().padStart(decimals, '0'),
  }
}

/** `1.5`, `0.25`, `12`: without the zeros at its end. `fractionLeast` digits stay. */
export function plainDecimal({ negative, whole, fraction }: DecimalDigits, fractionLeast = 0): string {
  const kept = fraction.replace(/0+$/, '').padEnd(Math.min(fractionLeast, fraction.length), '0')
  return `${negative ? '-' : ''}${whole}${kept === '' ? '' : `.${kept}`}`
}

/**
 * A decimal number that somebody wrote, with point or comma, as an integer of 10^-scale; null when it is not one, is
 * negative, or has more decimals than the unit.
 */
export function parseDecimal(text: string, scale: number): number | null {
  const match = /^\s*(\d{1,7})?(?:[.,](\d+))?\s*$/.exec(text)
  const [, whole, fraction = ''] = match ?? []
  if (match === null || (whole === undefined && fraction === '') || fraction.length > scale) return null
  return Number(whole ?? '0') * 10 ** scale + Number(fraction.padEnd(scale, '0') || '0')
}
