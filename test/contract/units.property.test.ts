/**
 * Units as data, and arithmetic that holds at every scale. Catches: a scale other than nine that loses or invents a
 * smallest part on its way to text and back, something earned that shows as nought, points with a money sign, a float
 * inside a product.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { decimalDigits, decimalsFor, parseDecimal, plainDecimal } from '#contract/decimal.ts'
import { amountOf, nano, NANO_LIMIT, nanoPerMtok, onePrice, splitFee, type Price } from '#contract/money.ts'
import { knownUnit, UNIT_CODE_PATTERN, unitOf, UNITS, V1_UNIT_OF_REALM, type Unit } from '#contract/units.ts'
import { shownAmount } from '#core/earnings/shown-amount.ts'
import { priceOf } from '#core/home/home-sentence.ts'
import { inEnglish } from '#test/support/in-english.ts'

const SCALES = [0, 2, 6, 9]
const scale = fc.constantFrom(...SCALES)
/** Small ones as often as large ones. */
const amount = fc.oneof(
  fc.integer({ min: 0, max: 2_000 }),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.integer({ min: 0, max: NANO_LIMIT }),
)

describe('an amount of any scale', () => {
  it('goes to text and back without losing a smallest part', () => {
    fc.assert(
      fc.property(amount, scale, (value, digits) => {
        const text = plainDecimal(decimalDigits(value, digits, digits))
        // parseDecimal takes seven digits before the point: what anybody types.
        fc.pre(value < 10 ** (7 + digits))
        expect(parseDecimal(text, digits)).toBe(value)
        expect(parseDecimal(text.replace('.', ','), digits)).toBe(value)
      }),
    )
  })

  it('is the exact decimal, by BigInt', () => {
    fc.assert(
      fc.property(amount, scale, (value, digits) => {
        const { whole, fraction } = decimalDigits(value, digits, digits)
        expect(BigInt(`${whole}${fraction}`)).toBe(BigInt(value))
        expect(fraction).toHaveLength(digits)
      }),
    )
  })

  it('is rounded by at most half of the last digit shown, and never shown as nought when it is not', () => {
    fc.assert(
      fc.property(amount, scale, (value, digits) => {
        const decimals = decimalsFor(value, digits)
        expect(decimals).toBeGreaterThanOrEqual(0)
        expect(decimals).toBeLessThanOrEqual(digits)
        const { whole, fraction } = decimalDigits(value, digits)
        const step = 10n ** BigInt(digits - decimals)
        const apart = BigInt(`${whole}${fraction}`) * step - BigInt(value)
        expect(apart * 2n <= step && apart * -2n <= step).toBe(true)
        expect(Number(shownAmount(value, digits)) === 0).toBe(value === 0)
      }),
    )
  })

  it('is not read from what nobody can mean', () => {
    for (const text of ['', '.', '-1', '1e3', '1.2.3', '12345678', 'x', '1 000'])
      expect(SCALES.map((digits) => parseDecimal(text, digits))).toEqual(SCALES.map(() => null))
    // More decimals than the unit has: not cut in silence.
    expect([0, 2, 6, 9].map((digits) => parseDecimal('0.1234567890', digits))).toEqual([null, null, null, null])
    expect(parseDecimal('1.5', 0)).toBeNull()
    expect([parseDecimal('.5', 2), parseDecimal('7,', 2), parseDecimal('7', 0)]).toEqual([50, null, 7])
  })

  it('is billed and split alike at every scale: the floor of the exact product, nothing lost to the fee', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 0, max: 1_000_000_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        (tokens, price, bps) => {
          const gross = amountOf(tokens, nanoPerMtok(price))
          expect(BigInt(gross)).toBe((BigInt(tokens) * BigInt(price)) / 1_000_000n)
          const { fee, seller } = splitFee(gross, bps)
          expect([fee + seller, BigInt(fee)]).toEqual([gross, (BigInt(gross) * BigInt(bps)) / 10_000n])
        },
      ),
    )
  })

  it('is bounded by 2^51, whatever its scale', () => {
    expect(nano(NANO_LIMIT)).toBe(2 ** 51)
    for (const value of [NANO_LIMIT + 1, -NANO_LIMIT - 1, 0.5, Number.NaN]) expect(() => nano(value)).toThrow(/2\^51/)
  })
})

describe('the units', () => {
  it('have codes that fit a ledger, once each, and scales from 0 to 9', () => {
    expect(new Set(UNITS.map(({ code }) => code)).size).toBe(UNITS.length)
    for (const { code, scale: digits, name } of UNITS) {
      expect(code).toMatch(UNIT_CODE_PATTERN)
      expect(Number.isInteger(digits) && digits >= 0 && digits <= 9 && name !== '').toBe(true)
    }
  })

  it.each([
    ['USD', 'money', 9],
    ['PCR', 'points', 9],
    ['SIM', 'points', 9],
    ['AIPG', 'token', 9],
    ['USDC', 'token', 6],
    ['kudos', 'points', 2],
    ['den', 'points', 2],
  ])('hold %s as %s of scale %i', (code, kind, digits) => {
    expect(knownUnit(code)).toMatchObject({ kind, scale: digits })
  })

  it('give every realm of protocol 1 its unit, and stop on a code that is none of ours', () => {
    expect(Object.values(V1_UNIT_OF_REALM).map((code) => unitOf(code).scale)).toEqual([9, 9, 9])
    expect(knownUnit('XXX')).toBeUndefined()
    expect(() => unitOf('XXX')).toThrow(/no unit/)
  })
})

describe('in words', () => {
  const inWords = (price: Price, unit: Unit): string => inEnglish(priceOf({ ask: price }, { unit }))

  it('only money has a sign: points and tokens have their name behind the number', () => {
    for (const unit of UNITS) {
      const text = inWords(onePrice(nanoPerMtok(1_234_567)), unit)
      expect(text).toMatch(unit.sign === undefined ? new RegExp(`^[\\d,.]+ ${unit.name}$`) : /^\$[\d,.]+$/)
    }
  })

  it.each([
    [1_234_567, 'kudos', '12,345.67 kudos'],
    [1_250, 'kudos', '12.50 kudos'],
    [1, 'den', '0.01 den'],
    [1, 'USDC', '0.000001 USDC'],
    [2_500_000, 'USDC', '2.50 USDC'],
    [420_000_000, 'PCR', '0.42 practice credits'],
    [421_500_000, 'USD', '$0.4215'],
    [12_000_000_000, 'SIM', '12.00 simulated dollars'],
  ])('%i of %s', (value, code, text) => expect(inWords(onePrice(nanoPerMtok(value)), unitOf(code))).toBe(text))

  it('three prices that differ are three figures', () => {
    const apart = { ...onePrice(nanoPerMtok(400_000_000)), output: nanoPerMtok(1_200_000_000) }
    expect(inWords(apart, unitOf('USD'))).toBe('$0.40 (input), $0.40 (cached input), $1.20 (output)')
  })
})
