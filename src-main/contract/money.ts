/**
 * Money, tokens and points alike are integers of 10^-scale of one unit (units.ts). Zod-free, so that the renderer may
 * import it. 2^51 bounds one amount or balance: 4 × 2^51 still is an exact double, so a sum of two balances and a
 * display division stay exact. Turnover goes to 2^62; it, products and totals are BigInt.
 */
export type { Realm } from './units.ts'

declare const nanoBrand: unique symbol
/**
 * An amount in 10^-scale of the unit named beside it; the name is of v1, whose units have scale 9. May be negative only
 * in differences.
 */
export type Nano = number & { readonly [nanoBrand]: true }

declare const priceBrand: unique symbol
/** A price in 10^-scale of a unit per million tokens. */
export type NanoPerMtok = number & { readonly [priceBrand]: true }

export const NANO_LIMIT = 2 ** 51
/** Bounds all debits, and all credits, of one account. */
export const TURNOVER_LIMIT = 2n ** 62n
export const TOKENS_PER_UNIT = 1_000_000
export const BPS_DENOMINATOR = 10_000

export class MoneyRangeError extends Error {
  override readonly name = 'MoneyRangeError'
  readonly code = 'MONEY_RANGE'
}

function checked(value: number, what: string): number {
  if (!Number.isInteger(value) || Math.abs(value) > NANO_LIMIT) {
    throw new MoneyRangeError(`${what} must be an integer of at most 2^51, got ${value}`)
  }
  return value
}

/** Checks and brands an amount. Throws MoneyRangeError. */
export const nano = (value: number): Nano => checked(value, 'an amount') as Nano

/** Checks and brands a price per million tokens; never negative. Throws MoneyRangeError. */
export function nanoPerMtok(value: number): NanoPerMtok {
  if (value < 0) throw new MoneyRangeError(`a price must not be negative, got ${value}`)
  return checked(value, 'a price') as NanoPerMtok
}

/** Brands a BigInt read from SQLite (safe integers). Throws MoneyRangeError outside ±2^51. */
export const nanoFromBigInt = (value: bigint): Nano => nano(Number(value))

/** floor(a × b / d) with BigInt inside; arguments are non-negative integers, d > 0. Throws MoneyRangeError. */
export function mulDivFloor(a: number, b: number, d: number): number {
  if (![a, b, d].every((n) => Number.isSafeInteger(n) && n >= 0) || d === 0) {
    throw new MoneyRangeError(
      `mulDivFloor takes non-negative safe integers and a divisor above 0, got ${a}, ${b}, ${d}`,
    )
  }
  return checked(Number((BigInt(a) * BigInt(b)) / BigInt(d)), 'a product')
}

/**
 * amount = floor(tokens × price / 10^6): part of the protocol, not of the display. Tokens are the billed (exchange's)
 * count.
 */
export const amountOf = (tokens: number, price: NanoPerMtok): Nano => nano(mulDivFloor(tokens, price, TOKENS_PER_UNIT))

/** fee = floor(amount × bps / 10^4); the seller gets amount − fee. */
export function splitFee(amount: Nano, feeBps: number): { fee: Nano; seller: Nano } {
  const fee = mulDivFloor(amount, feeBps, BPS_DENOMINATOR)
  return { fee: nano(fee), seller: nano(amount - fee) }
}
