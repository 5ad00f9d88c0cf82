/**
 * Every number on every screen is written here. Money stays an integer of its unit's smallest parts until the last step;
 * the digits are cut by integer arithmetic, so nothing earned is ever shown as 0.00. Digits and signs are those of the
 * viewer's locale. Times are local with their zone, exports are UTC.
 */
import { type DecimalDigits, decimalDigits, decimalsFor, parseDecimal, plainDecimal } from '#contract/decimal.ts'
import { isOnePrice, type Price, type Realm } from '#contract/money.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { POWER_SCALE } from '#contract/power-currencies.ts'
import type { Unit } from '#contract/units.ts'
import { type TextKey, TEXTS } from '#words/texts/texts.ts'

import { fixed, localised, localisedSum, significant } from './number-format.ts'
import { readNumber, typeable } from './read-number.ts'
import { t } from './say.ts'

const MINUS = '−'
/** Any unit, as far as its digits go. */
export type Scaled = Pick<Unit, 'scale'>
/** Amounts of electricity, in whatever currency. */
export const POWER: Scaled = { scale: POWER_SCALE }

const grouped = (whole: number): string => localised(whole.toString())

/** The size as a plain decimal; of the zeros at its end those stay that `fractionLeast` asks for. */
const plain = (digits: DecimalDigits, fractionLeast = digits.fraction.length): string =>
  plainDecimal({ ...digits, negative: false }, fractionLeast)
const minusOf = ({ negative }: DecimalDigits): string => (negative ? MINUS : '')

/** An integer amount as a decimal number without its unit, half away from zero at the last digit shown. */
export function decimal(value: number, { scale }: Scaled, decimals?: number): string {
  const digits = decimalDigits(value, scale, decimals)
  return `${minusOf(digits)}${localised(plain(digits))}`
}

/**
 * A sum without its unit, for columns whose head names it. Zero is a plain 0, so that it cannot be taken for something
 * small.
 */
export const amount = (value: number, unit: Scaled): string => (value === 0 ? grouped(0) : decimal(value, unit))

type UnitKey = Extract<TextKey, `unit.${string}`>
const isUnitKey = (key: string): key is UnitKey => Object.hasOwn(TEXTS, key)

/** The word for a unit, for heads and captions: the catalogue's by its code, else the unit's own name. */
export function unitWord({ code, name }: Pick<Unit, 'code' | 'name'>): string {
  const key = `unit.${code}`
  return isUnitKey(key) ? t(key) : name
}

/** Money with a sign that every locale can place; points and tokens never carry one. */
const isSigned = ({ kind, code, sign }: Unit): boolean =>
  kind === 'money' && sign !== undefined && /^[A-Z]{3}$/.test(code)

/** A sum with its unit: `$0.4200` where money has a sign, `0.00004012 practice credits`, `0.0310 EUR`. */
export function money(value: number, unit: Unit): string {
  if (!isSigned(unit)) return `${amount(value, unit)} ${unitWord(unit)}`
  const digits = decimalDigits(value, unit.scale)
  return `${minusOf(digits)}${localisedSum(value === 0 ? '0' : plain(digits), unit.code)}`
}

/**
 * Real electricity cost beside practice figures: always the currency's code, never a sign, so that the two cannot be
 * confused.
 */
export const powerMoney = (value: number, currency: string): string => `${amount(value, POWER)} ${currency}`

/** Four significant digits, at least two decimals. */
function rateDigits(perMtok: number, scale: number): DecimalDigits {
  const isLarge = Math.abs(perMtok) >= 10 ** (scale + 1)
  return decimalDigits(perMtok, scale, isLarge ? Math.min(scale, 2) : decimalsFor(perMtok, scale))
}
const plainRate = (perMtok: number, scale: number): string =>
  perMtok === 0 ? '0' : plain(rateDigits(perMtok, scale), 2)

/** A figure per million tokens: `0.42`, `0.4215`, `12.50`. */
export const rate = (perMtok: number, { scale }: Scaled): string =>
  `${perMtok < 0 ? MINUS : ''}${localised(plainRate(perMtok, scale))}`

/** A price per million tokens: one figure while the three are equal. */
export const price = (of: Price, unit: Scaled): string =>
  isOnePrice(of)
    ? rate(of.output, unit)
    : t('price.three', {
        input: rate(of.input, unit),
        cached: rate(of.cachedInput, unit),
        output: rate(of.output, unit),
      })

/** A price with its unit: `0.42 practice credits per million tokens`. */
export const pricePerMillion = (of: Price, unit: Unit): string =>
  isSigned(unit) && isOnePrice(of)
    ? t('money.signedPerMillion', { price: localisedSum(plainRate(of.output, unit.scale), unit.code) })
    : t('money.perMillion', { price: price(of, unit), unit: unitWord(unit) })

/** What the owner typed as an integer amount of a unit, or both of what it may mean. */
export interface AmountReading {
  /** Null when it is no number, is negative, has more decimals than the unit, or may mean two things. */
  nano: number | null
  /** The two readings as plain decimals; null where there is nothing to ask. */
  ask: readonly [string, string] | null
}

/** By the signs of the viewer's locale (read-number.ts). */
export function readNano(typed: string, { scale }: Scaled): AmountReading {
  const reading = readNumber(typed)
  if (reading.kind === 'ambiguous') return { nano: null, ask: reading.texts }
  return { nano: reading.kind === 'none' ? null : parseDecimal(reading.text, scale), ask: null }
}

/** An editable decimal in the viewer's signs (no grouping, no trailing zeros). */
export const editable = (value: number, { scale }: Scaled): string =>
  typeable(plainDecimal(decimalDigits(value, scale, scale)))

/** The line every practice or simulated screen carries; null for real money. */
export const realmLine = (realm: Realm): string | null => (realm === 'real' ? null : t(`realm.${realm}`))

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
export const gradeName = (instrument: string): string =>
  instrument.startsWith(EMBEDDED_VENUE.instrumentPrefix)
    ? instrument.slice(EMBEDDED_VENUE.instrumentPrefix.length)
    : instrument
