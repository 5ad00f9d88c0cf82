/**
 * Every number on every screen is written here. Money stays an integer of nano-units until the last step; the digits
 * are cut by integer arithmetic, so nothing earned is ever shown as 0.00. Digits and signs are those of the viewer's
 * locale. Times are local with their zone, exports are UTC.
 */
import type { Realm } from '#contract/money.ts'

import { fixed, localised, localisedSum, significant } from './number-format.ts'
import { readNumber, typeable } from './read-number.ts'
import { t } from './say.ts'

const NANO = 1_000_000_000
const MINUS = '−'

const grouped = (whole: number): string => localised(whole.toString())

/**
 * Decimals that show four significant digits of a small sum, four decimals of an ordinary one and two of a large one;
 * at most nine.
 */
export function decimalsFor(nano: number): number {
  const size = Math.abs(nano)
  if (size >= 1_000 * NANO) return 2
  if (size >= NANO / 10 || size === 0) return 4
  const leadingZeros = 9 - size.toString().length
  return Math.min(9, leadingZeros + 4)
}

/** The size of a count of nano-units as a plain decimal, half away from zero at the last digit. */
function plain(nano: number, decimals: number): string {
  const step = 10 ** (9 - decimals)
  const size = Math.abs(nano)
  const steps = (size - (size % step)) / step + ((size % step) * 2 >= step ? 1 : 0)
  const perWhole = 10 ** decimals
  const fraction = (steps % perWhole).toString().padStart(decimals, '0')
  const whole = Math.floor(steps / perWhole).toString()
  return decimals === 0 ? whole : `${whole}.${fraction}`
}

/** An integer count of nano-units as a decimal number without a unit, half away from zero at the last digit shown. */
export function decimal(nano: number, decimals: number = decimalsFor(nano)): string {
  const size = plain(nano, decimals)
  return `${nano < 0 && /[1-9]/.test(size) ? MINUS : ''}${localised(size)}`
}

/**
 * A sum without its unit, for columns whose head names it. Zero is a plain 0, so that it cannot be taken for something
 * small.
 */
export const amount = (nano: number): string => (nano === 0 ? grouped(0) : decimal(nano))

/** The word for a unit of money, for heads and captions. Practice credits never carry a money sign. */
export function currencyWord(currency: string): string {
  if (currency === 'PCR') return t('money.PCR')
  if (currency === 'SIM') return t('money.SIM')
  return currency
}

/** A sum with its unit: `$0.4200`, `0.00004012 practice credits`, `0.0310 EUR`. */
export function money(nano: number, currency: string): string {
  if (currency === 'USD') {
    const size = nano === 0 ? '0' : plain(nano, decimalsFor(nano))
    return `${nano < 0 ? MINUS : ''}${localisedSum(size, currency)}`
  }
  return `${amount(nano)} ${currencyWord(currency)}`
}

/**
 * Real electricity cost beside practice figures: always the currency's code, never a sign, so that the two cannot be
 * confused.
 */
export const powerMoney = (nano: number, currency: string): string => `${amount(nano)} ${currency}`

/** A price per million tokens: four significant digits, at least two decimals (`0.42`, `0.4215`, `12.50`). */
export const price = (nanoPerMtok: number): string =>
  (nanoPerMtok < 0 ? MINUS : '') + localised(plainPrice(nanoPerMtok))

function plainPrice(nanoPerMtok: number): string {
  if (nanoPerMtok === 0) return '0'
  const text = plain(nanoPerMtok, Math.abs(nanoPerMtok) >= 10 * NANO ? 2 : decimalsFor(nanoPerMtok))
  const [whole = '0', fraction = ''] = text.split('.')
  return `${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
}

/** A price with its unit: `0.42 practice credits per million tokens`. */
export const pricePerMillion = (nanoPerMtok: number, currency: string): string =>
  currency === 'USD'
    ? t('money.dollarsPerMillion', { price: localisedSum(plainPrice(nanoPerMtok), currency) })
    : t('money.perMillion', { price: price(nanoPerMtok), unit: currencyWord(currency) })

/** What the owner typed, as nano-units, or both of what it may mean. */
export interface NanoReading {
  /** Null when it is no number, is negative, has more than nine decimals, or may mean two things. */
  nano: number | null
  /** The two readings as plain decimals; null where there is nothing to ask. */
  ask: readonly [string, string] | null
}

/** By the signs of the viewer's locale (read-number.ts). */
export function readNano(typed: string): NanoReading {
  const reading = readNumber(typed)
  if (reading.kind === 'ambiguous') return { nano: null, ask: reading.texts }
  const match = reading.kind === 'none' ? null : /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(reading.text)
  if (match === null) return { nano: null, ask: null }
  return { nano: Number(match[1]) * NANO + Number((match[2] ?? '').padEnd(9, '0')), ask: null }
}

/** An editable decimal of nano-units in the viewer's signs (no grouping, no trailing zeros). */
export function editable(nano: number): string {
  const [whole = '0', fraction = ''] = plain(nano, 9).split('.')
  const kept = fraction.replace(/0+$/, '')
  return typeable(kept === '' ? whole : `${whole}.${kept}`)
}

/** The line every practice or simulated screen carries; null for real money. */
export function realmLine(realm: Realm): string | null {
  if (realm === 'practice') return t('realm.practice')
  if (realm === 'simulated') return t('realm.simulated')
  return null
}

export const count = (value: number): string => (value < 0 ? MINUS : '') + grouped(Math.abs(Math.round(value)))

/** A large count in short: `73.9 M`, `12.4 k`, `912`. */
export function shortCount(value: number): string {
  if (value >= 1e9) return `${fixed(value / 1e9, value >= 1e11 ? 0 : 1)} G`
  if (value >= 1e6) return `${fixed(value / 1e6, value >= 1e8 ? 0 : 1)} M`
  if (value >= 1e4) return `${fixed(value / 1e3, value >= 1e5 ? 0 : 1)} k`
  return count(value)
}

/** A share 0..1 as per cent; more digits where it is small. */
export function percent(share: number, digits?: number): string {
  const value = share * 100
  const shown = digits ?? (value !== 0 && Math.abs(value) < 10 ? 1 : 0)
  return `${fixed(value, shown)}\u00a0%`
}

/** A low and a high share as whole per cents: `74–97 %`. */
export const interval = (low: number, high: number): string => `${fixed(low * 100, 0)}–${fixed(high * 100, 0)}\u00a0%`

export const tokPerS = (value: number): string => `${value >= 100 ? count(value) : fixed(value, 1)} tok/s`
export const watts = (value: number): string => `${fixed(value, value >= 10 ? 0 : 1)} W`

/** Energy: kWh from one up, Wh below, never 0.00 for something used. */
export function energy(kwh: number): string {
  if (kwh === 0) return `${grouped(0)} Wh`
  if (kwh >= 1) return `${kwh >= 100 ? grouped(Math.round(kwh)) : fixed(kwh, 2)} kWh`
  const wh = kwh * 1_000
  return wh >= 1 ? `${fixed(wh, 1)} Wh` : `${significant(wh, 2)} Wh`
}

/** Memory, in binary units. */
export function memory(bytes: number): string {
  if (bytes >= 2 ** 30) return `${fixed(bytes / 2 ** 30, 1)} GiB`
  if (bytes >= 2 ** 20) return `${fixed(bytes / 2 ** 20, bytes >= 100 * 2 ** 20 ? 0 : 1)} MiB`
  return `${grouped(Math.ceil(bytes / 1_024))} KiB`
}

/** File sizes, in decimal units as file managers show them. */
export function fileSize(bytes: number): string {
  if (bytes >= 1e9) return `${fixed(bytes / 1e9, 2)} GB`
  if (bytes >= 1e6) return `${fixed(bytes / 1e6, 1)} MB`
  return bytes >= 1e3 ? `${fixed(bytes / 1e3, 0)} kB` : `${grouped(bytes)} B`
}

/** Model parameters: `7.6 B`, `0.9 M`. */
export function parameters(value: number): string {
  return value >= 1e9 ? `${fixed(value / 1e9, 1)} B` : `${fixed(value / 1e6, value >= 1e8 ? 0 : 1)} M`
}

/** The start of a long hash or id, as people compare it. */
export const short = (id: string, letters = 10): string => (id.length <= letters + 1 ? id : `${id.slice(0, letters)}…`)

/** An instrument without the realm's prefix, where the realm is named beside it. */
export const gradeName = (instrument: string): string => instrument.replace(/^practice\//, '')
