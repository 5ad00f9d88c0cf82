/** What a run came to: the table, the survivors, and whether it passes. */
import type { Mutant } from './find.ts'
import type { Verdict } from './run-mutants.ts'

export interface AreaCount {
  area: string
  total: number
  killed: number
  timedOut: number
  survived: number
  notReached: number
  /** Share of killed and timed out in all, from 0 to 1. */
  score: number
}

/** Every mutant counts, explained or not. */
export const SCORE_MIN = 0.95

function countOf(area: string, verdicts: readonly Verdict[]): AreaCount {
  const of = (fate: Verdict['fate']): number => verdicts.filter((one) => one.fate === fate).length
  const [killed, timedOut, survived, notReached] = [of('killed'), of('timed out'), of('survived'), of('not reached')]
  return {
    area,
    total: verdicts.length,
    killed,
    timedOut,
    survived,
    notReached,
    score: verdicts.length === 0 ? 1 : (killed + timedOut) / verdicts.length,
  }
}

/** One line per area in the order of the verdicts, and `all` at the end. */
export function countAreas(verdicts: readonly Verdict[]): AreaCount[] {
  const areas = [...new Set(verdicts.map(({ area }) => area))]
  return [
    ...areas.map((area) =>
      countOf(
        area,
        verdicts.filter((one) => one.area === area),
      ),
    ),
    countOf('all', verdicts),
  ]
}

export const isSurvivor = ({ fate }: Verdict): boolean => fate === 'survived' || fate === 'not reached'

export const describeMutant = ({ file, line, within, code, becomes, nth }: Mutant): string =>
  `${file}:${line}${within === '' ? '' : ` in ${within}`}: ${code} → ${becomes === '' ? '(left out)' : becomes}${nth === 1 ? '' : ` (no. ${nth})`}`

/** Rounded down, so that 95.0 % is never less. */
const percent = (share: number): string => `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`

export function tableOf(counts: readonly AreaCount[]): string {
  const rows = counts.map(({ area, total, killed, timedOut, survived, notReached, score }) =>
    [area, total, killed, timedOut, survived, notReached, percent(score)].map(String),
  )
  const all = [['area', 'total', 'killed', 'timed out', 'survived', 'not reached', 'score'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n')
}

/** What makes the run fail; empty when it passes. `scored` is false for samples, which are too small for a share. */
export function faultsOf(counts: readonly AreaCount[], unexplained: number, stale: number, scored: boolean): string[] {
  const low = scored
    ? counts
        .filter(({ score }) => score < SCORE_MIN)
        .map(({ area, score }) => `${area}: ${percent(score)} killed is below ${percent(SCORE_MIN)}`)
    : []
  const plain =
    unexplained === 0
      ? []
      : [
          `${unexplained} survivors without a reason: write the test that kills them, or say in test/mutants/survivors.json why none can`,
        ]
  return [
    ...low,
    ...plain,
    ...(stale === 0
      ? []
      : [
          `${stale} entries of test/mutants/survivors.json fit no mutant: the code has changed, correct or remove them`,
        ]),
  ]
}
