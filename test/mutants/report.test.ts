import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { tempDir } from '#test/support/temp-dir.ts'

import type { Mutant } from '../../tools/mutants/find.ts'
import { countAreas, faultsOf, tableOf } from '../../tools/mutants/report.ts'
import type { Verdict } from '../../tools/mutants/run-mutants.ts'
import { readSurvivors, reasonsOf, staleOf } from '../../tools/mutants/survivors.ts'

const mutant = (change: Partial<Mutant> = {}): Mutant => ({
  file: 'a.ts',
  n: 1,
  line: 1,
  within: 'f',
  kind: 'comparison',
  code: 'a < b',
  becomes: 'a <= b',
  nth: 1,
  ...change,
})
const verdicts = (area: string, ...fates: Verdict['fate'][]): Verdict[] =>
  fates.map((fate) => ({ ...mutant(), area, fate, by: '' }))
const many = (count: number, fate: Verdict['fate']): Verdict['fate'][] => Array.from({ length: count }, () => fate)

describe('the result of a run', () => {
  it('counts killed and timed out over all, per area and together', () => {
    const counts = countAreas([
      ...verdicts('one', 'killed', 'killed', 'timed out', 'survived'),
      ...verdicts('two', 'not reached', 'killed'),
    ])
    expect(counts.map(({ area, total, score }) => [area, total, score])).toEqual([
      ['one', 4, 0.75],
      ['two', 2, 0.5],
      ['all', 6, 4 / 6],
    ])
    expect(tableOf(counts)).toContain('all       6       3          1         1            1  66.6 %')
  })

  it('passes at 95 % and fails below, for any area', () => {
    expect(faultsOf(countAreas(verdicts('one', ...many(19, 'killed'), 'survived')), 0, 0, true)).toEqual([])
    const low = countAreas([
      ...verdicts('one', ...many(18, 'killed'), 'survived'),
      ...verdicts('two', ...many(100, 'killed')),
    ])
    expect(faultsOf(low, 0, 0, true)).toEqual(['one: 94.7 % killed is below 95.0 %'])
    expect(faultsOf(low, 0, 0, false)).toEqual([])
  })

  it('fails for a survivor without a reason and for a reason without a mutant', () => {
    expect(faultsOf([], 1, 0, true)).toEqual([expect.stringMatching(/^1 survivors without a reason/)])
    expect(faultsOf([], 0, 2, false)).toEqual([expect.stringMatching(/^2 entries .* fit no mutant/)])
  })
})

describe('the list of explained survivors', () => {
  const written = (...entries: object[]): string => {
    const path = join(tempDir(), 'survivors.json')
    writeFileSync(path, JSON.stringify(entries))
    return path
  }
  const entry = { file: 'a.ts', within: 'f', code: 'a < b', becomes: 'a <= b', reason: 'the two never are equal' }

  it('explains a mutant by its text wherever it stands, and no other', () => {
    const reason = reasonsOf(readSurvivors(written(entry, { ...entry, nth: 2, reason: 'another reason' })))
    expect(reason(mutant({ line: 7, n: 9 }))).toBe('the two never are equal')
    expect(reason(mutant({ nth: 2 }))).toBe('another reason')
    for (const other of [{ nth: 3 }, { within: 'g' }, { becomes: 'a >= b' }, { file: 'b.ts' }, { code: 'a < c' }])
      expect(reason(mutant(other))).toBeNull()
  })

  it('names entries that fit no mutant of the files looked at', () => {
    const explained = readSurvivors(written(entry, { ...entry, code: 'gone' }, { ...entry, file: 'elsewhere.ts' }))
    expect(staleOf(explained, [mutant()], new Set(['a.ts'])).map(({ code }) => code)).toEqual(['gone'])
  })

  it.each([
    ['without a reason', [{ ...entry, reason: '' }], 'reason'],
    ['with a field it does not know', [{ ...entry, line: 3 }], 'line'],
    ['twice', [entry, { ...entry, reason: 'again, for another reason' }], 'explains a survivor twice'],
  ])('refuses an entry %s', (_, entries, message) => {
    expect(() => readSurvivors(written(...entries))).toThrow(message)
  })
})
