/**
 * Money, tokens and points alike are integers of 10^-scale of one unit (units.ts). Zod-free, so that the renderer may
 * import it. 2^51 bounds one amount or balance: 4 × 2^51 still is an exact double, so a sum of two balances and a
 * display division stay exact. Turnover goes to 2^62; it, products and totals are BigInt.
 */
import { fail } from './errors.ts'

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
 * What a million tokens cost, by what they are: input that had to be read, input that lay in the cache, output. Where a
 * venue has one price the three are equal.
 */
export interface Price {
  readonly input: NanoPerMtok
  readonly cachedInput: NanoPerMtok
  readonly output: NanoPerMtok
}

/** Billed tokens, each counted once: `input` without what is in `cachedInput`. */
export interface BilledTokens {
  readonly input: number
  readonly cachedInput: number
  readonly output: number
}

const PARTS = ['input', 'cachedInput', 'output'] as const satisfies readonly (keyof Price)[]

export const onePrice = (price: NanoPerMtok): Price => ({ input: price, cachedInput: price, output: price })

export const samePrice = (one: Price, other: Price): boolean => PARTS.every((part) => one[part] === other[part])

/** Whether the three are one figure, which is all that protocol 1 can say. */
export const isOnePrice = ({ input, cachedInput, output }: Price): boolean => input === output && input === cachedInput

/** For protocol 1 and for screens that show one figure. Error: PRICE_UNEQUAL. */
export function asOnePrice(price: Price): NanoPerMtok {
  if (isOnePrice(price)) return price.output
  const { input, cachedInput, output } = price
  throw fail('money.threePrices', { input, cachedInput, output })
}

/** Cheapest first: by output, then input, then cached input. */
export const comparePrices = (one: Price, other: Price): number =>
  one.output - other.output || one.input - other.input || one.cachedInput - other.cachedInput

/** The exact cost in 10^-6 of an amount's smallest part, before it is rounded. */
export function exactCost(tokens: BilledTokens, price: Price): bigint {
  let sum = 0n
  for (const part of PARTS) {
    if (!Number.isSafeInteger(tokens[part]) || tokens[part] < 0)
      throw new MoneyRangeError(`tokens are counted in non-negative integers, got ${tokens[part]}`)
    sum += BigInt(tokens[part]) * BigInt(price[part])
  }
  return sum
}

/**
 * amount = floor(Σ tokens × price / 10^6), one floor after the sum: part of the protocol, not of the display. Tokens are
 * the billed (exchange's) count. Throws MoneyRangeError beyond 2^51.
 */
export const costOf = (tokens: BilledTokens, price: Price): Nano =>
  nanoFromBigInt(exactCost(tokens, price) / BigInt(TOKENS_PER_UNIT))

/** The most a job can cost: all of its input read, and every token it may give. Throws MoneyRangeError beyond 2^51. */
export const reserveOf = (inputTokens: number, maxTokens: number, price: Price): Nano =>
  costOf({ input: inputTokens, cachedInput: 0, output: maxTokens }, price)

/** floor(tokens × price / 10^6) at one price. */
export const amountOf = (tokens: number, price: NanoPerMtok): Nano => nano(mulDivFloor(tokens, price, TOKENS_PER_UNIT))

/** fee = floor(amount × bps / 10^4); the seller gets amount − fee. */
export function splitFee(amount: Nano, feeBps: number): { fee: Nano; seller: Nano } {
  const fee = mulDivFloor(amount, feeBps, BPS_DENOMINATOR)
  return { fee: nano(fee), seller: nano(amount - fee) }
}

/** What the seller gets of each of the three after the fee. */
export function netPrice(price: Price, feeBps: number): Price {
  const net = (one: NanoPerMtok): NanoPerMtok => nanoPerMtok(splitFee(nano(one), feeBps).seller)
  return { input: net(price.input), cachedInput: net(price.cachedInput), output: net(price.output) }
}
