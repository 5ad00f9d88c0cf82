import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS } from '#contract/time.ts'
import type { BucketSize, RangeAsked } from '#contract/earnings.ts'
import { bucketStart, checkedZone, localTime, nextBucket } from '#core/earnings/calendar.ts'
import { bucketsOf, lastDay, resolveRange } from '#core/earnings/ranges.ts'

import { localParts } from './matrix/naive-calendar.ts'

const iso = (text: string): number => Date.parse(text)
const BAD = expect.objectContaining({ code: 'BAD_REQUEST' })
const refused = (work: () => unknown): void => expect(work).toThrow(BAD)
const asked = (range: Partial<RangeAsked> & { zone?: string }): RangeAsked =>
  ({ zone: 'UTC', by: 'instrument', ...range }) as RangeAsked
const cut = (range: Parameters<typeof asked>[0], now = 0) => bucketsOf(resolveRange(asked(range), now))
const locals = (zone: string, from: string, to: string, bucket: BucketSize): string[] =>
  cut({ zone, from: iso(from), to: iso(to), bucket }).map(({ at }) => localTime(at, zone))

describe('zones', () => {
  it.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    ['america/st_johns', 'America/St_Johns'],
    ['UTC', 'UTC'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
  ])('%s is %s', (name, found) => expect(checkedZone(name)).toBe(found))

  it.each(['Mars/Base', '', 'Etc/Unknown', '+01:00', '-0330', 'local', 'Europe/Berlin; DROP'])(
    'refuses "%s" and says what to send',
    (name) =>
      expect(() => checkedZone(name)).toThrow(
        expect.objectContaining({ code: 'BAD_REQUEST', message: expect.stringContaining('such as Europe/Berlin') }),
      ),
  )
})

describe('starts', () => {
  it.each([
    ['a day of Kolkata', 'day', 'Asia/Kolkata', '2026-03-10T19:00:00Z', '2026-03-10T18:30:00Z'],
    ['an hour of Kolkata', 'hour', 'Asia/Kolkata', '2026-03-10T18:45:00Z', '2026-03-10T18:30:00Z'],
    ['an hour of Kathmandu', 'hour', 'Asia/Kathmandu', '2026-03-10T18:00:00Z', '2026-03-10T17:15:00Z'],
    ['a day of St John’s', 'day', 'America/St_Johns', '2026-07-01T02:15:00Z', '2026-06-30T02:30:00Z'],
    ['a month of the far east', 'month', 'Pacific/Kiritimati', '2026-02-28T10:00:00Z', '2026-02-28T10:00:00Z'],
    ['the quarter before it', 'month', 'Pacific/Kiritimati', '2026-02-28T09:45:00Z', '2026-01-31T10:00:00Z'],
    ['a month that began in winter', 'month', 'Europe/Berlin', '2026-03-31T12:00:00Z', '2026-02-28T23:00:00Z'],
    ['and one that began in summer', 'month', 'Europe/Berlin', '2026-10-31T12:00:00Z', '2026-09-30T22:00:00Z'],
    // Chile turns its clocks at midnight: the day of the switch has no 00:00.
    ['a day without midnight', 'day', 'America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00Z'],
  ] as const)('%s', (_name, size, zone, time, start) =>
    expect(new Date(bucketStart(iso(time), size, zone))).toEqual(new Date(start)),
  )

  it.each([
    ['2026-01-31', 31],
    ['2026-02-01', 28],
    ['2028-02-29', 29],
    ['2026-04-30', 30],
    ['2026-12-31', 31],
    ['2100-02-10', 28],
  ])('the month of %s has %i days', (date, days) => {
    const start = bucketStart(iso(`${date}T12:00:00Z`), 'month', 'UTC')
    expect(nextBucket(start, 'month', 'UTC') - start).toBe(days * DAY_MS)
  })

  it.each([
    ['Europe/Berlin', '2026-03-29', 23],
    ['Europe/Berlin', '2026-10-25', 25],
    ['America/New_York', '2026-03-08', 23],
    ['America/New_York', '2026-11-01', 25],
    ['America/St_Johns', '2026-11-01', 25],
    ['Australia/Sydney', '2026-04-05', 25],
    ['Australia/Sydney', '2026-10-04', 23],
    ['Australia/Lord_Howe', '2026-04-05', 24.5],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
    ['Asia/Kathmandu', '2026-10-25', 24],
  ])('in %s %s has %d hours', (zone, date, hours) => {
    const start = bucketStart(iso(`${date}T12:00:00Z`) - 6 * HOUR_MS, 'day', zone)
    expect(localTime(start, zone).slice(0, 16)).toBe(`${date}T00:00`)
    expect(nextBucket(start, 'day', zone) - start).toBe(hours * HOUR_MS)
  })
})

describe('hours over a switch', () => {
  it('Berlin has two o’clock twice in autumn, and not at all in spring', () => {
    expect(locals('Europe/Berlin', '2026-10-25T00:00Z', '2026-10-25T03:00Z', 'hour')).toEqual([
      '2026-10-25T02:00:00+02:00',
      '2026-10-25T02:00:00+01:00',
      '2026-10-25T03:00:00+01:00',
    ])
    expect(locals('Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T02:00Z', 'hour')).toEqual([
      '2026-03-29T01:00:00+01:00',
      '2026-03-29T03:00:00+02:00',
    ])
  })

  it('Lord Howe repeats half an hour, and skips one', () => {
    expect(locals('Australia/Lord_Howe', '2026-04-04T14:00Z', '2026-04-04T16:30Z', 'hour')).toEqual([
      '2026-04-05T01:00:00+11:00',
      '2026-04-05T01:30:00+10:30',
      '2026-04-05T02:00:00+10:30',
    ])
    expect(locals('Australia/Lord_Howe', '2026-10-03T14:30Z', '2026-10-03T17:00Z', 'hour')).toEqual([
      '2026-10-04T01:00:00+10:30',
      '2026-10-04T02:30:00+11:00',
      '2026-10-04T03:00:00+11:00',
    ])
  })
})

describe('hours over a switch in the middle of one', () => {
  it('St John’s turned its clocks back at 00:01 until 2011', () =>
    expect(locals('America/St_Johns', '2010-11-07T02:30Z', '2010-11-07T04:30Z', 'hour')).toEqual([
      '2010-11-07T00:00:00-02:30',
      '2010-11-06T23:15:00-03:30',
      '2010-11-07T00:00:00-03:30',
    ]))
})

describe('spans', () => {
  const now = iso('2026-11-21T12:34:56Z')
  const span = (name: '6h' | '24h' | 'today' | '7d' | '30d' | '1y', zone: string) => {
    const { from, to, bucket } = resolveRange(asked({ span: name, zone }), now)
    return [localTime(from, zone), localTime(to, zone), bucket]
  }
  it.each([
    ['6h', 'Europe/Berlin', '2026-11-21T08:00:00+01:00', '2026-11-21T14:00:00+01:00', 'hour'],
    ['24h', 'Asia/Kolkata', '2026-11-20T19:00:00+05:30', '2026-11-21T19:00:00+05:30', 'hour'],
    ['today', 'Australia/Sydney', '2026-11-21T00:00:00+11:00', '2026-11-22T00:00:00+11:00', 'hour'],
    ['7d', 'Europe/Berlin', '2026-11-15T00:00:00+01:00', '2026-11-22T00:00:00+01:00', 'day'],
    ['30d', 'America/New_York', '2026-10-23T00:00:00-04:00', '2026-11-22T00:00:00-05:00', 'day'],
    ['1y', 'Europe/Berlin', '2025-12-01T00:00:00+01:00', '2026-12-01T00:00:00+01:00', 'month'],
  ] as const)('%s in %s', (name, zone, from, to, bucket) => expect(span(name, zone)).toEqual([from, to, bucket]))

  it('another step may be asked for', () =>
    expect(resolveRange(asked({ span: '7d', bucket: 'hour' }), now).bucket).toBe('hour'))

  it('24 hours where no chart is drawn are the quarters that began in them', () =>
    expect(lastDay(now)).toEqual({ from: iso('2026-11-20T12:45:00Z'), to: iso('2026-11-21T12:45:00Z') }))
})

describe('ranges', () => {
  it('hold the quarter hours that begin in them, and their ends are those of the first and last bucket', () => {
    expect(cut({ from: 1, to: 2 * QUARTER_MS + 1, bucket: 'day' })).toEqual([{ at: QUARTER_MS, end: 3 * QUARTER_MS }])
    expect(cut({ from: 1, to: 2, bucket: 'day' })).toEqual([])
    expect(cut({ from: 5 * HOUR_MS, to: 30 * HOUR_MS, bucket: 'day' })).toEqual([
      { at: 5 * HOUR_MS, end: DAY_MS },
      { at: DAY_MS, end: 30 * HOUR_MS },
    ])
  })

  it('begin with the first buckets of 1970 west of UTC, and end before the year 3000', () => {
    expect(cut({ zone: 'America/New_York', from: 0, to: DAY_MS, bucket: 'month' })).toEqual([
      { at: 0, end: 5 * HOUR_MS },
      { at: 5 * HOUR_MS, end: DAY_MS },
    ])
    refused(() => cut({ from: 0, to: Date.UTC(3000, 0) + 1, bucket: 'month' }))
  })

  it('keep empty steps, and stop at two thousand', () => {
    expect(cut({ from: 0, to: 2_000 * HOUR_MS, bucket: 'hour' })).toHaveLength(2_000)
    refused(() => cut({ from: 0, to: 2_000 * HOUR_MS + 1, bucket: 'hour' }))
    refused(() => cut({ from: 5, to: 5 }))
  })

  it('property: buckets touch, lie on quarter hours, and each holds one local hour, day or month by Intl', () => {
    const ZONES = ['Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu', 'America/Santiago']
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom<'hour' | 'day' | 'month'>('hour', 'day', 'month'),
        fc.integer({ min: iso('2024-01-01T00:00Z'), max: iso('2030-01-01T00:00Z') }),
        fc.integer({ min: 1, max: 3 * DAY_MS }),
        (zone, bucket, from, length) => {
          const range = resolveRange(asked({ zone, from, to: from + length, bucket }), 0)
          const buckets = bucketsOf(range)
          let reached = range.from
          for (const { at, end } of buckets) {
            expect(at).toBe(reached)
            expect([at % QUARTER_MS, end % QUARTER_MS, end > at]).toEqual([0, 0, true])
            const keys = new Set<string>()
            for (let quarter = at; quarter < end; quarter += QUARTER_MS) keys.add(localParts(quarter, zone)[bucket])
            expect([...keys]).toHaveLength(1)
            reached = end
          }
          expect(reached).toBe(range.to)
          for (let index = 1; index < buckets.length; index += 1)
            expect(localParts(buckets[index]!.at, zone)[bucket]).not.toBe(
              localParts(buckets[index - 1]!.at, zone)[bucket],
            )
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('local time', () => {
  it.each([
    ['UTC', 0, '1970-01-01T00:00:00+00:00'],
    ['Asia/Kolkata', iso('2026-01-01T00:00Z'), '2026-01-01T05:30:00+05:30'],
    ['America/St_Johns', iso('2026-07-01T00:00Z'), '2026-06-30T21:30:00-02:30'],
    ['America/St_Johns', iso('2026-12-01T00:00Z'), '2026-11-30T20:30:00-03:30'],
  ])('in %s', (zone, at, text) => expect(localTime(at, zone)).toBe(text))
  it('is to the second', () => expect(localTime(MINUTE_MS + 1_999, 'UTC')).toBe('1970-01-01T00:01:01+00:00'))
})
