/**
 * Nano-units as people read them, by integer arithmetic only. The screens follow the same rule, so that sentence, CSV
 * and chart agree.
 */
import type { Currency } from '#contract/money.ts'

const NANO = 1_000_000_000

/**
 * Two decimals from 1,000 on, four from a tenth on, below that four significant digits (at most nine decimals): nothing
 * earned shows as 0.00.
 */
function decimalsFor(nano: number): number {
  const size = Math.abs(nano)
  if (size >= 1_000 * NANO) return 2
  if (size >= NANO / 10 || size === 0) return 4
  return Math.min(9, 9 - size.toString().length + 4)
}

/**
 * A decimal number without unit or grouping: `0.4200`, `0.00004012`, `-3.5000`; zero is `0`. Rounded half away from
 * zero.
 */
export function shownAmount(nano: number): string {
  if (nano === 0) return '0'
  const decimals = decimalsFor(nano)
  const step = 10 ** (9 - decimals)
  const size = Math.abs(nano)
  const steps = Math.floor(size / step) + ((size % step) * 2 >= step ? 1 : 0)
  const perWhole = 10 ** decimals
  return `${nano < 0 ? '-' : ''}${Math.floor(steps / perWhole)}.${(steps % perWhole).toString().padStart(decimals, '0')}`
}

const grouped = (text: string): string => text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ','))

/** With its unit: `$0.4200` for real money alone, `0.4200 practice credits`, `0.0310 EUR`. */
export function amountInWords(nano: number, currency: Currency | (string & {})): string {
  const amount = grouped(shownAmount(nano))
  if (currency === 'USD') return amount.startsWith('-') ? `-$${amount.slice(1)}` : `$${amount}`
  if (currency === 'PCR') return `${amount} practice credits`
  return currency === 'SIM' ? `${amount} simulated dollars` : `${amount} ${currency}`
}

/** A price per million tokens: at least two decimals, without trailing zeros beyond them. */
export function priceInWords(nanoPerMtok: number, currency: Currency): string {
  const [whole = '0', fraction = ''] = shownAmount(nanoPerMtok).split('.')
  const price = nanoPerMtok === 0 ? '0' : `${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
  return amountInWords(0, currency).replace('0', grouped(price))
}
