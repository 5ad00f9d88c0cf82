/**
 * Every number on every screen is written here. Money stays an integer of nano-units until the last step; the digits
 * are cut by integer arithmetic, so nothing earned is ever shown as 0.00. Times are local with their zone, exports are
 * UTC.
 */
import { decimalDigits, decimalsFor, parseDecimal, plainDecimal } from '#contract/decimal.ts'
import { isOnePrice, type Price, type Realm } from '#contract/money.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { POWER_SCALE } from '#contract/power-currencies.ts'
import { REALM_NOTES, type Unit } from '#contract/units.ts'

const MINUS = '−'
/** Any unit, as far as its digits go. */
export type Scaled = Pick<Unit, 'scale'>
/** Amounts of electricity, in whatever currency. */
export const POWER: Scaled = { scale: POWER_SCALE }

const grouped = (whole: number): string => whole.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',')

/** An integer amount as a decimal number without its unit, half away from zero at the last digit shown. */
export function decimal(value: number, { scale }: Scaled, decimals?: number): string {
  const { negative, whole, fraction } = decimalDigits(value, scale, decimals)
  return `${negative ? MINUS : ''}${grouped(whole)}${fraction === '' ? '' : `.${fraction}`}`
}

/**
 * A sum without its unit, for columns whose head names it. Zero is a plain 0, so that it cannot be taken for something
 * small.
 */
export const amount = (value: number, unit: Scaled): string => (value === 0 ? '0' : decimal(value, unit))

/** A sum with its unit: `$0.4200` where money has a sign, `0.00004012 practice credits`. Points never have one. */
export function money(value: number, unit: Unit): string {
  if (unit.kind !== 'money' || unit.sign === undefined) return `${amount(value, unit)} ${unit.name}`
  return value < 0 ? `${MINUS}${unit.sign}${amount(-value, unit)}` : `${unit.sign}${amount(value, unit)}`
}

/**
 * Real electricity cost beside practice figures: always the currency's code, never a sign, so that the two cannot be
 * confused.
 */
export const powerMoney = (value: number, currency: string): string => `${amount(value, POWER)} ${currency}`

/** A figure per million tokens: four significant digits, at least two decimals (`0.42`, `0.4215`, `12.50`). */
export function rate(perMtok: number, { scale }: Scaled): string {
  if (perMtok === 0) return '0'
  const decimals = Math.abs(perMtok) >= 10 ** (scale + 1) ? Math.min(scale, 2) : decimalsFor(perMtok, scale)
  const { negative, whole, fraction } = decimalDigits(perMtok, scale, decimals)
  const digits = plainDecimal({ negative: false, whole: 0, fraction }, 2)
  return `${negative ? MINUS : ''}${grouped(whole)}${digits.slice(1)}`
}

/** A price per million tokens: one figure while the three are equal. */
export const price = (of: Price, unit: Scaled): string =>
  isOnePrice(of)
    ? rate(of.output, unit)
    : `${rate(of.input, unit)} input, ${rate(of.cachedInput, unit)} cached, ${rate(of.output, unit)} output`

/**
 * What the owner typed as a decimal number, as an integer amount; null when it is not one, is negative, or has more
 * decimals than the unit.
 */
export const parseAmount = (text: string, { scale }: Scaled): number | null => parseDecimal(text, scale)

/** A plain editable decimal (no grouping, no trailing zeros). */
export const editable = (value: number, { scale }: Scaled): string => plainDecimal(decimalDigits(value, scale, scale))

/** The line every practice or simulated screen carries; null for real money. */
export const realmLine = (realm: Realm): string | null => REALM_NOTES[realm]

export const count = (value: number): string => (value < 0 ? MINUS : '') + grouped(Math.abs(Math.round(value)))

/** A large count in short: `73.9 M`, `12.4 k`, `912`. */
export function shortCount(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(value >= 1e11 ? 0 : 1)} G`
  if (value >= 1e6) return `${(value / 1e6).toFixed(value >= 1e8 ? 0 : 1)} M`
  if (value >= 1e4) return `${(value / 1e3).toFixed(value >= 1e5 ? 0 : 1)} k`
  return count(value)
}

/** A share 0..1 as per cent; more digits where it is small. */
export function percent(share: number, digits?: number): string {
  const value = share * 100
  const shown = digits ?? (value !== 0 && Math.abs(value) < 10 ? 1 : 0)
  return `${value.toFixed(shown)}\u00a0%`
}

/** A low and a high share as whole per cents: `74–97 %`. */
export const interval = (low: number, high: number): string =>
  `${Math.round(low * 100)}–${Math.round(high * 100)}\u00a0%`

export const tokPerS = (value: number): string => `${value >= 100 ? count(value) : value.toFixed(1)} tok/s`
export const watts = (value: number): string => `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} W`

/** Energy: kWh from one up, Wh below, never 0.00 for something used. */
export function energy(kwh: number): string {
  if (kwh === 0) return '0 Wh'
  if (kwh >= 1) return `${kwh >= 100 ? grouped(Math.round(kwh)) : kwh.toFixed(2)} kWh`
  const wh = kwh * 1_000
  return wh >= 1 ? `${wh.toFixed(1)} Wh` : `${wh.toPrecision(2)} Wh`
}

/** Memory, in binary units. */
export function memory(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GiB`
  if (bytes >= 2 ** 20) return `${(bytes / 2 ** 20).toFixed(bytes >= 100 * 2 ** 20 ? 0 : 1)} MiB`
  return `${Math.ceil(bytes / 1_024)} KiB`
}

/** File sizes, in decimal units as file managers show them. */
export function fileSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(0)} kB` : `${bytes} B`
}

/** Model parameters: `7.6 B`, `0.9 M`. */
export function parameters(value: number): string {
  return value >= 1e9 ? `${(value / 1e9).toFixed(1)} B` : `${(value / 1e6).toFixed(value >= 1e8 ? 0 : 1)} M`
}

/** The start of a long hash or id, as people compare it. */
export const short = (id: string, letters = 10): string => (id.length <= letters + 1 ? id : `${id.slice(0, letters)}…`)

/** An instrument without the realm's prefix, where the realm is named beside it. */
export const gradeName = (instrument: string): string =>
  instrument.startsWith(EMBEDDED_VENUE.instrumentPrefix)
    ? instrument.slice(EMBEDDED_VENUE.instrumentPrefix.length)
    : instrument
