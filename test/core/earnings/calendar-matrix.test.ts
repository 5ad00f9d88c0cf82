/** No row lost, none doubled: eight zones, five spans, around every change of the clocks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { AVAILABLE, FEE, HELD } from '#core/jobs/index.ts'
import { recordProblems } from '#core/ledger/records.store.ts'

import { oracleOf, sumsOf } from './matrix/books-oracle.ts'
import { calendarMatrix, MATRIX_SPANS, type MatrixLine } from './matrix/matrix.ts'
import { localParts } from './matrix/naive-calendar.ts'
import { soldYear, type SoldYear } from './matrix/sold-year.ts'
import { LOOKS, MATRIX_ZONES } from './matrix/zones.ts'

let year: SoldYear
let lines: MatrixLine[]
beforeAll(() => {
  year = soldYear()
  lines = calendarMatrix(year)
}, 120_000)
afterAll(() => year.dispose())

describe('the year that is looked at', () => {
  it('is booked whole: what is reckoned with is what the accounts hold', () => {
    const all = sumsOf(oracleOf(year), { at: 0, end: Number.MAX_SAFE_INTEGER })
    const net = (account: string): number => {
      const { debits, credits } = year.books.balance(year.realmDb.read, account)
      return Number(debits - credits)
    }
    expect([net(AVAILABLE), net(HELD), net(FEE)]).toEqual([all.availableNano, all.heldNano, all.feeNano])
    expect(year.books.check(year.realmDb.read).problems).toEqual([])
    expect(recordProblems(year.realmDb.read)).toEqual([])
    expect(all.jobs).toBeGreaterThan(800)
    expect(all.heldNano).toBeGreaterThan(0)
  })

  it.each(MATRIX_ZONES.flatMap(({ zone, moments }) => moments.map((moment) => ({ zone, ...moment }))))(
    'in $zone the moment of "$what" is one',
    ({ zone, at, changesClocks }) => {
      const [before, after] = [localParts(at - 1, zone), localParts(at, zone)]
      expect(before.text.slice(19) !== after.text.slice(19)).toBe(changesClocks)
      if (!changesClocks) expect(before.month).not.toBe(after.month)
    },
  )
})

it('has every zone, span and look', () =>
  expect(lines.reduce((count, { cells }) => count + cells.length, 0)).toBe(
    MATRIX_ZONES.length * 2 * LOOKS.length * MATRIX_SPANS.length,
  ))

it('compares something in every cell', () => {
  const empty = lines.flatMap(({ zone, local, cells }) =>
    cells.filter(({ jobs }) => jobs === 0).map(({ span }) => `${zone}, ${local}, ${span}`),
  )
  expect(empty).toEqual([])
})

describe.each(MATRIX_ZONES.map(({ zone }) => zone))('%s', (zone) => {
  it.each(MATRIX_SPANS)('%s: tile = chart = table = CSV = books', (span) => {
    const differences = lines
      .filter((line) => line.zone === zone)
      .flatMap(({ local, cells }) =>
        cells
          .filter((cell) => cell.span === span)
          .flatMap((cell) => cell.differences.map((text) => `${local}: ${text}`)),
      )
    expect(differences).toEqual([])
  })
})
