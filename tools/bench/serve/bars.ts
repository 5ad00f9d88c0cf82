/** The bars that serving must meet, compared with llama-server at its best number of threads unless said otherwise. */
import { median, medianRatio } from './maths.ts'

import type { SideName } from './cells.ts'
import type { CellResult } from './cell-run.ts'
import type { PassMeasures } from './measure.ts'

export interface BarVerdict {
  what: string
  value: number
  bar: number
  /** `least`: the value must reach the bar; `most`: it must not pass it. */
  sense: 'least' | 'most'
  met: boolean
}

/** Where default threads take every core; on larger machines the tenfold bar does not apply. */
const EVERY_CORE_UP_TO = 4
/** Worst gap in running streams while a long prompt arrives, on mini. */
const WORST_GAP_MS = 250

/** Per round: one side's figure divided by the other's, then the median. NaN where a side was not run. */
export function ratio(
  { sides }: CellResult,
  of: (measures: PassMeasures) => number,
  ours: SideName = 'stoker',
  theirs: SideName = 'llama',
): number {
  return medianRatio((sides[ours] ?? []).map(of), (sides[theirs] ?? []).map(of))
}

const least = (what: string, value: number, bar: number): BarVerdict => ({
  what,
  value,
  bar,
  sense: 'least',
  met: value >= bar,
})
const most = (what: string, value: number, bar: number): BarVerdict => ({
  what,
  value,
  bar,
  sense: 'most',
  met: value <= bar,
})

/** Bar of total tokens per second: none for nano, which is so small that it shows only overhead. */
function throughputBar({ cell }: CellResult): number | null {
  if (cell.busy) return 1
  if (cell.shape === 'nano') return null
  if (cell.shape !== 'tiny') return 1
  return cell.concurrency <= 2 ? 0.9 : 1.1
}

const rate = ({ tokPerS }: PassMeasures): number => tokPerS
const worst = ({ worstGap }: PassMeasures): number => worstGap
const firstP95 = ({ ttftP95 }: PassMeasures): number => ttftP95
const firstP50 = ({ ttftP50 }: PassMeasures): number => ttftP50

function steadyVerdicts(result: CellResult, cores: number): BarVerdict[] {
  const bar = throughputBar(result)
  return [
    ...(bar === null ? [] : [least('tok/s', ratio(result, rate), bar)]),
    most('TTFT p95', ratio(result, firstP95), 1.1),
    ...(result.cell.busy && cores <= EVERY_CORE_UP_TO
      ? [least('tok/s, its default threads', ratio(result, rate, 'stoker', 'llama-default'), 10)]
      : []),
  ]
}

/** The bars of this cell; empty where there are none. A missing figure fails. */
export function verdicts(result: CellResult, cores: number): BarVerdict[] {
  switch (result.cell.kind) {
    case 'steady':
      return steadyVerdicts(result, cores)
    case 'mixed':
      return [
        least(
          'goodput',
          ratio(result, ({ goodput }) => goodput),
          1.2,
        ),
      ]
    case 'long':
      return [
        most('worst gap, its defaults', ratio(result, worst, 'stoker', 'llama-default'), 0.2),
        most('worst gap in ms', median((result.sides.stoker ?? []).map(worst)), WORST_GAP_MS),
      ]
    case 'prefix':
      return [
        least('TTFT p50, without reuse to with', ratio(result, firstP50, 'stoker-cold', 'stoker'), 3),
        most('TTFT p50', ratio(result, firstP50), 1),
      ]
  }
}
