import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'

import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { unitOf, UNITS } from '#contract/units.ts'
import {
  amount,
  count,
  decimal,
  editable,
  energy,
  fileSize,
  memory,
  money,
  percent,
  powerMoney,
  price,
  pricePerMillion,
  rate,
  readNano,
  short,
  shortCount,
  unitWord,
} from '#ui/format.ts'
import { day, moment } from '#ui/format-time.ts'
import { setViewerLocale } from '#ui/locale.ts'

afterEach(() => setViewerLocale('en'))

const NANO_LIMIT = 2 ** 51
const NINE = { scale: 9 }

describe('amounts', () => {
  it.each([
    [0, '0'],
    [1, '0.000000001'],
    [40_123, '0.00004012'],
    [5_320, '0.000005320'],
    [412_870, '0.0004129'],
    [99_999_999, '0.10000'],
    [123_400_000, '0.1234'],
    [1_122_000_000, '1.1220'],
    [31_062_449_999, '31.0624'],
    [1_234_567_890_123, '1,234.57'],
    [-9_871_000_000, '−9.8710'],
  ])('%d nano is %s', (nano, text) => expect(amount(nano, NINE)).toBe(text))

  it('never shows something earned as nothing: a rounded 0.00 would hide it', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: NANO_LIMIT }), (nano) => /[1-9]/.test(amount(nano, NINE))))
  })

  it('is off by at most half of the last digit shown: a float division would drift at large sums', () => {
    fc.assert(
      fc.property(fc.integer({ min: -NANO_LIMIT, max: NANO_LIMIT }), (nano) => {
        const text = decimal(nano, NINE).replaceAll(',', '').replace('−', '-')
        const decimals = text.split('.')[1]?.length ?? 0
        const shown = BigInt(text.replace('.', '').padEnd(text.replace('.', '').length + 9 - decimals, '0'))
        const gap = shown - BigInt(nano)
        return (gap < 0n ? -gap : gap) * 2n <= 10n ** BigInt(9 - decimals)
      }),
    )
  })

  it('practice credits never carry a money sign, electricity beside them its code', () => {
    expect(money(420_000_000, unitOf('PCR'))).toBe('0.4200 practice credits')
    expect(money(420_000_000, unitOf('USD'))).toBe('$0.4200')
    expect(money(-420_000_000, unitOf('USD'))).toBe('−$0.4200')
    expect(powerMoney(31_000_000, 'USD')).toBe('0.03100 USD')
    for (const unit of UNITS.filter(({ kind }) => kind !== 'money'))
      expect(money(1_234_567, { ...unit, sign: '$' })).toMatch(new RegExp(`^[\\d,.]+ ${unit.name}$`))
    expect(pricePerMillion(onePrice(nanoPerMtok(420_000_000)), unitOf('PCR'))).not.toContain('$')
  })

  it.each([
    [420_000_000, '0.42'],
    [421_500_000, '0.4215'],
    [12_500_000_000, '12.50'],
    [1_559_000, '0.001559'],
    [2_010_000, '0.00201'],
    [0, '0'],
  ])('a price of %d is %s', (nano, text) => expect(price(onePrice(nanoPerMtok(nano)), NINE)).toBe(text))

  it('three prices are shown as one figure only while they are equal', () => {
    const apart = { ...onePrice(nanoPerMtok(420_000_000)), cachedInput: nanoPerMtok(105_000_000) }
    expect(price(apart, NINE)).toBe('0.42 input, 0.105 cached, 0.42 output')
    expect(rate(-420_000_000, NINE)).toBe('−0.42')
    expect(pricePerMillion(apart, unitOf('USD'))).toBe('0.42 input, 0.105 cached, 0.42 output USD per million tokens')
  })

  it('a unit has its word from the catalogue, one that only its venue knows its own name', () => {
    expect(UNITS.map(unitWord)).toEqual(UNITS.map(({ name }) => name))
    setViewerLocale('en-XA')
    expect(unitWord(unitOf('PCR'))).toMatch(/^\[.*\]$/)
    expect(unitWord({ code: 'perMillion', name: 'their credits' })).toBe('their credits')
  })
})

describe('another scale than nine', () => {
  it.each([
    ['kudos', 1_234_567, '12,345.67', '12,345.67', '12345.67'],
    ['kudos', 5, '0.05', '0.05', '0.05'],
    ['USDC', 2_500_000, '2.5000', '2.50', '2.5'],
    ['USDC', 1, '0.000001', '0.000001', '0.000001'],
  ])('%s: %i', (code, value, asAmount, asRate, asEditable) => {
    const unit = unitOf(code)
    expect([amount(value, unit), rate(value, unit), editable(value, unit)]).toEqual([asAmount, asRate, asEditable])
    expect(readNano(asEditable, unit)).toEqual({ nano: value, ask: null })
  })

  it('takes no more decimals than the unit has', () => {
    expect([readNano('0.001', unitOf('kudos')).nano, readNano('3', { scale: 0 }).nano]).toEqual([null, 3])
  })
})

describe('what the owner types', () => {
  it.each([
    ['0.42', 420_000_000],
    ['0,42', 420_000_000],
    ['.5', 500_000_000],
    [' 12 ', 12_000_000_000],
    ['0.000000001', 1],
    ['1.', 1_000_000_000],
    ['12,', 12_000_000_000],
  ])('reads %j', (text, nano) => expect(readNano(text, NINE)).toEqual({ nano, ask: null }))

  it.each(['', '-1', '1e3', '0.0000000001', 'abc', '1.2.3', '12345678', '.'])('refuses %j', (text) =>
    expect(readNano(text, NINE)).toEqual({ nano: null, ask: null }),
  )

  it('writes what it can read again: a field must not change a price nobody touched', () => {
    for (const locale of ['en', 'de', 'fr', 'de-CH', 'ar-EG', 'hi-IN']) {
      setViewerLocale(locale)
      for (const scaled of [NINE, { scale: 6 }, { scale: 2 }, { scale: 0 }]) {
        const max = Math.min(NANO_LIMIT, 10 ** (7 + scaled.scale) - 1)
        fc.assert(
          fc.property(fc.integer({ min: 0, max }), (nano) => readNano(editable(nano, scaled), scaled).nano === nano),
        )
      }
    }
  })
})

describe('in the viewer’s locale', () => {
  it.each([
    ['de', '1.234,57', '0,42', '0,42 $', '99,9\u00a0%', '1.234'],
    ['de-CH', "1'234.57", '0.42', '$ 0.42', '99.9\u00a0%', "1'234"],
    ['fr', '1 234,57', '0,42', '0,42 $', '99,9\u00a0%', '1 234'],
    ['hi-IN', '1,234.57', '0.42', '$0.42', '99.9\u00a0%', '1,234'],
    ['ar-EG', '١٬٢٣٤٫٥٧', '٠٫٤٢', '٠٫٤٢ US$', '٩٩٫٩\u00a0%', '١٬٢٣٤'],
  ])('%s', (locale, sum, ask, dollars, share, jobs) => {
    setViewerLocale(locale)
    const spaces = (text: string): string =>
      text
        .replaceAll(/[\u00a0\u202f]/g, ' ')
        .replaceAll('’', "'")
        .replaceAll(/[\u200e\u200f\u061c]/g, '')
    expect(spaces(amount(1_234_567_890_123, NINE))).toBe(sum)
    expect(spaces(price(onePrice(nanoPerMtok(420_000_000)), NINE))).toBe(ask)
    expect(spaces(pricePerMillion(onePrice(nanoPerMtok(420_000_000)), unitOf('USD')))).toBe(
      `${dollars} per million tokens`,
    )
    expect(percent(0.9994, 1)).toContain(share)
    expect(spaces(count(1_234))).toBe(jobs)
  })

  it('dates', () => {
    const at = new Date(2026, 10, 21, 14, 2, 11).getTime()
    setViewerLocale('de')
    expect(day(at)).toBe('21. Nov.')
    expect(moment(at)).toMatch(/^21\. Nov\. 2026, 14:02:11 /)
    setViewerLocale('en-US')
    expect(moment(at)).toMatch(/^Nov 21, 2026, 14:02:11 /)
  })
})

describe('a number that may mean two', () => {
  it.each([
    ['en', '1,234', ['1234', '1.234']],
    ['de', '1.234', ['1234', '1.234']],
    ['de-CH', '1,234', ['1234', '1.234']],
    ['fr', '12.345', ['12345', '12.345']],
    ['ar-EG', '١٬٢٣٤', ['1234', '1.234']],
  ])('%s: %s is asked about', (locale, typed, ask) => {
    setViewerLocale(locale)
    expect(readNano(typed, NINE)).toEqual({ nano: null, ask })
  })

  it.each([
    ['en', '1.234', 1_234_000_000],
    ['de', '1,234', 1_234_000_000],
    ['en', '0,123', 123_000_000],
    ['en', '1,23', 1_230_000_000],
    ['en', '１２．５', 12_500_000_000],
    ['en', '1,234,567', 1_234_567_000_000_000],
    ['en', '1,234.5', 1_234_500_000_000],
    ['en', '1.234,5', 1_234_500_000_000],
    ['de', '1.234,5', 1_234_500_000_000],
    ['de-CH', "1'234.5", 1_234_500_000_000],
    ['fr', '1 234,5', 1_234_500_000_000],
    ['ar-EG', '٠٫٤٢', 420_000_000],
    ['ar-EG', '0.42', 420_000_000],
  ])('%s: %s is not', (locale, typed, nano) => {
    setViewerLocale(locale)
    expect(readNano(typed, NINE)).toEqual({ nano, ask: null })
  })

  it.each(['1,23,4', '1,2345,678', '12,34.5', '1..2', ',', '١٢x'])('%s is no number', (typed) => {
    expect(readNano(typed, NINE)).toEqual({ nano: null, ask: null })
  })
})

describe('other figures', () => {
  it('memory is binary, files are decimal, both named', () => {
    expect(memory(12 * 2 ** 30)).toBe('12.0 GiB')
    expect(memory(161_480_704)).toBe('154 MiB')
    expect(fileSize(4_683_073_536)).toBe('4.68 GB')
  })
  it('small energy is not shown as none', () => {
    expect(energy(0.000_35)).toBe('0.35 Wh')
    expect(energy(32.9)).toBe('32.90 kWh')
    expect(energy(0)).toBe('0 Wh')
  })
  it('shares, counts and ids', () => {
    expect(percent(0.002)).toBe('0.2\u00a0%')
    expect(percent(0.9994, 1)).toBe('99.9\u00a0%')
    expect(shortCount(73_900_000)).toBe('73.9 M')
    expect(short('job_1m7zsrwg2k4p')).toBe('job_1m7zsr…')
  })
})
