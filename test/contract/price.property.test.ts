/**
 * The price of three integers. Catches: a floor for each part instead of one for the sum, a product that goes through a
 * double, a reserve that does not cover what is billed, one price that bills otherwise than three equal ones, three
 * prices sent as one.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  amountOf,
  asOnePrice,
  comparePrices,
  costOf,
  exactCost,
  nanoPerMtok,
  netPrice,
  onePrice,
  reserveOf,
  samePrice,
  splitFee,
  type Price,
} from '#contract/money.ts'

const figure = fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 10 ** 12 })).map(nanoPerMtok)
const price: fc.Arbitrary<Price> = fc.record({ input: figure, cachedInput: figure, output: figure })
const count = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 200_000 }))
const tokens = fc.record({ input: count, cachedInput: count, output: count })

describe('what tokens cost', () => {
  it('is one floor of the exact sum', () => {
    fc.assert(
      fc.property(tokens, price, (billed, of) => {
        const exact =
          BigInt(billed.input) * BigInt(of.input) +
          BigInt(billed.cachedInput) * BigInt(of.cachedInput) +
          BigInt(billed.output) * BigInt(of.output)
        expect(exactCost(billed, of)).toBe(exact)
        expect(BigInt(costOf(billed, of))).toBe(exact / 1_000_000n)
      }),
    )
  })

  it('keeps what floors of the parts would lose', () => {
    const half = onePrice(nanoPerMtok(500_000))
    // A half of a smallest part each: one together.
    expect(costOf({ input: 1, cachedInput: 0, output: 1 }, half)).toBe(1)
  })

  it('at three equal prices is what protocol 1 bills at one', () => {
    fc.assert(
      fc.property(tokens, figure, (billed, of) => {
        const all = billed.input + billed.cachedInput + billed.output
        expect(costOf(billed, onePrice(of))).toBe(amountOf(all, of))
      }),
    )
  })

  it('never passes the reserve while cached input is not dearer, whatever of the input was cached', () => {
    fc.assert(
      fc.property(price, count, count, fc.nat(), fc.nat(), (of, input, maxTokens, cached, output) => {
        const cheaper = { ...of, cachedInput: nanoPerMtok(Math.min(of.cachedInput, of.input)) }
        const cachedInput = cached % (input + 1)
        const billed = { input: input - cachedInput, cachedInput, output: output % (maxTokens + 1) }
        expect(costOf(billed, cheaper)).toBeLessThanOrEqual(reserveOf(input, maxTokens, cheaper))
      }),
    )
  })

  it('stops at 2^51, and at counts that are none', () => {
    const most = onePrice(nanoPerMtok(2 ** 51))
    expect(costOf({ input: 1_000_000, cachedInput: 0, output: 0 }, most)).toBe(2 ** 51)
    expect(() => reserveOf(1_000_000, 1, most)).toThrow(/2\^51/)
    for (const bad of [-1, 0.5, Number.NaN])
      expect(() => costOf({ input: 0, cachedInput: bad, output: 0 }, most)).toThrow(/non-negative integers/)
  })

  it('after the fee is what the seller gets of a million tokens of each kind', () => {
    fc.assert(
      fc.property(price, fc.integer({ min: 0, max: 10_000 }), (of, bps) => {
        const net = netPrice(of, bps)
        for (const part of ['input', 'cachedInput', 'output'] as const)
          expect(net[part]).toBe(splitFee(amountOf(1_000_000, of[part]), bps).seller)
      }),
    )
  })
})

describe('three prices as one', () => {
  it('is only said where they are equal', () => {
    fc.assert(
      fc.property(price, (of) => {
        const equal = samePrice(of, onePrice(of.output))
        if (equal) expect(asOnePrice(of)).toBe(of.output)
        else expect(() => asOnePrice(of)).toThrow(expect.objectContaining({ code: 'PRICE_UNEQUAL' }))
        expect(comparePrices(of, of)).toBe(0)
      }),
    )
    for (const part of ['input', 'cachedInput', 'output'] as const)
      expect(() => asOnePrice({ ...onePrice(nanoPerMtok(5)), [part]: nanoPerMtok(6) })).toThrow(/one price/)
  })

  it('orders by output, then input, then cached input', () => {
    const of = (input: number, cachedInput: number, output: number): Price => ({
      input: nanoPerMtok(input),
      cachedInput: nanoPerMtok(cachedInput),
      output: nanoPerMtok(output),
    })
    const order = [of(9, 9, 1), of(1, 9, 2), of(2, 1, 2), of(2, 2, 2)]
    expect(order.toReversed().toSorted(comparePrices)).toEqual(order)
  })
})
