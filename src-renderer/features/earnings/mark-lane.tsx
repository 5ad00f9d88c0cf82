/** The lane above the chart: what happened, where it happened, with words while there is room for them. */
import type { Mark } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'

import { markText, SIGNS } from './mark-words.ts'
import type { PlotColumn } from './plot-data.ts'
import { bandsOf, type Frame } from './plot-shape.ts'

const ROWS = 2
/** Of the letters of a mark, as a part of a rem: enough for the widest text there is. */
const LETTER_REM = 0.48

export const markRows = (marks: readonly Mark[]): number => (marks.length === 0 ? 0 : ROWS)

interface MarkSpot {
  mark: Mark
  x: number
  row: number
  /** Its words, and how many others stand for in the same place. */
  text: string
}

/** From left to right: each in the first row where its words fit; one that fits nowhere is a sign alone. */
export function placeMarks(
  marks: readonly Mark[],
  columns: readonly Pick<PlotColumn, 'at' | 'end'>[],
  frame: Frame,
  { unit, rem }: { unit: Unit; rem: number },
): MarkSpot[] {
  const { band } = bandsOf(columns.length, frame)
  const ends = Array.from({ length: ROWS }, () => -Infinity)
  return marks.flatMap((mark): MarkSpot[] => {
    const index = columns.findIndex(({ at, end }) => mark.at >= at && mark.at < end)
    const column = columns[index]
    if (column === undefined) return []
    const x = frame.left + (index + (mark.at - column.at) / (column.end - column.at)) * band
    const text = markText(mark, unit)
    const width = (text.length + 3) * LETTER_REM * rem
    const fits = x + width <= frame.width ? ends.findIndex((end) => end <= x) : -1
    const row = fits === -1 ? ROWS - 1 : fits
    if (fits !== -1) ends[row] = x + width
    return [{ mark, x, row, text: fits === -1 ? '' : text }]
  })
}

export function MarkLane({
  marks,
  columns,
  frame,
  unit,
  rem,
}: {
  marks: readonly Mark[]
  columns: readonly PlotColumn[]
  frame: Frame
  unit: Unit
  rem: number
}) {
  return placeMarks(marks, columns, frame, { unit, rem }).map(({ mark, x, row, text }, index) => {
    const colour = mark.kind === 'ask' ? 'var(--ember)' : mark.kind === 'cost' ? 'var(--bad)' : 'var(--mute)'
    const y = frame.top - rem * 1.9 - (ROWS - 1 - row) * rem * 1.3
    return (
      <g key={index} data-mark={mark.code}>
        <line
          x1={x}
          x2={x}
          y1={y + 4}
          y2={frame.height - frame.bottom}
          stroke={colour}
          strokeDasharray="2 4"
          opacity="0.6"
        />
        <text x={x - 4} y={y} style={{ fill: colour }}>
          {SIGNS[mark.kind]} {text}
        </text>
      </g>
    )
  })
}
