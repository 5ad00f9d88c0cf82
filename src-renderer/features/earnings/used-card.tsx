/** Listed hours against served ones: how much of each bucket was offered, and in how much of it a job ran. */
import { useMemo, useRef, useState } from 'react'

import { percent } from '#ui/format.ts'
import { duration } from '#ui/format-time.ts'
import { Card } from '#ui/page.tsx'
import { saveText } from '#ui/save.ts'
import { type Column, Table } from '#ui/table.tsx'

import { ChartTools } from './chart-tools.tsx'
import { csvText } from './csv-text.ts'
import type { PlotColumn } from './plot-data.ts'
import { bandsOf, type Frame, labelledOf } from './plot-shape.ts'
import { useWidth } from './use-width.ts'

const HEIGHT = 120
const LABEL_ROOM = 70
const shareOf = ({ busyMs, listedMs }: PlotColumn): string =>
  listedMs === 0 ? '–' : percent(Math.min(1, busyMs / listedMs))
const n = (value: number): string => value.toFixed(1)

/** One path a kind: the share of the bucket in which the rig was on, something listed, a job running. */
export function usedPaths(columns: readonly PlotColumn[], frame: Frame): { on: string; listed: string; busy: string } {
  const { bar, x } = bandsOf(columns.length, frame)
  const room = frame.height - frame.top - frame.bottom
  const path = (pick: (column: PlotColumn) => number): string =>
    columns
      .map((column, index) => {
        const tall = Math.min(1, pick(column) / (column.end - column.at)) * room
        return tall < 0.05 ? '' : `M${n(x(index))} ${n(frame.height - frame.bottom)}v${n(-tall)}h${n(bar)}v${n(tall)}z`
      })
      .join('')
  return { on: path(({ onMs }) => onMs), listed: path(({ listedMs }) => listedMs), busy: path(({ busyMs }) => busyMs) }
}

const TABLE: readonly Column<PlotColumn>[] = [
  { head: 'From', cell: (row) => row.label },
  { head: 'Rig on', right: true, cell: (row) => duration(row.onMs) },
  { head: 'Listed', right: true, cell: (row) => duration(row.listedMs) },
  { head: 'A job running', right: true, cell: (row) => duration(row.busyMs) },
  { head: 'Served, job by job', right: true, cell: (row) => duration(row.servedMs) },
  { head: 'Busy, of listed', right: true, cell: shareOf },
]

function csvOf(columns: readonly PlotColumn[]): string {
  return csvText([
    ['start_utc', 'end_utc', 'on_ms', 'listed_ms', 'busy_ms', 'served_ms'],
    ...columns.map(({ at, end, onMs, listedMs, busyMs, servedMs }) => [
      new Date(at).toISOString(),
      new Date(end).toISOString(),
      onMs,
      listedMs,
      busyMs,
      servedMs,
    ]),
  ])
}

export function UsedCard({ columns, bucket }: { columns: readonly PlotColumn[]; bucket: string }) {
  const picture = useRef<HTMLElement>(null)
  const [box, width] = useWidth<HTMLDivElement>()
  const [isTable, setTable] = useState(false)
  const begun = columns.filter((column) => column.begun)
  const frame = useMemo<Frame>(() => ({ width, height: HEIGHT, left: 40, right: 6, top: 8, bottom: 22 }), [width])
  const paths = useMemo(() => usedPaths(columns, frame), [columns, frame])
  const { band } = bandsOf(columns.length, frame)
  const y = (share: number): number => frame.height - frame.bottom - share * (frame.height - frame.top - frame.bottom)
  return (
    <Card
      title={`Listed and served by ${bucket}`}
      aside={
        <>
          <ul className="legend">
            <li>
              <i style={{ background: 'var(--line)' }} />
              rig on
            </li>
            <li>
              <i style={{ background: 'var(--edge)', opacity: 0.5 }} />
              listed
            </li>
            <li>
              <i style={{ background: 'var(--ember)' }} />a job running
            </li>
          </ul>
          <ChartTools
            fileName={`stoker-used-by-${bucket}`}
            what="listed and served"
            picture={picture}
            isTable={isTable}
            onTable={setTable}
            onCsv={() => saveText(`stoker-used-by-${bucket}.csv`, 'text/csv', csvOf(begun))}
          />
        </>
      }
    >
      <div ref={box}>
        {isTable ? (
          <Table
            caption="Listed and served"
            columns={TABLE}
            rows={begun.toReversed()}
            rowKey={(row) => String(row.at)}
          />
        ) : (
          <figure
            ref={picture}
            className="earn-plot"

            aria-label={`Share of each ${bucket} in which the rig was on, something listed, and a job running; the table has every figure.`}
          >
            {width > 0 && (
              <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} aria-hidden="true">
                {[0, 0.5, 1].map((share) => (
                  <g key={share}>
                    <line x1={frame.left} x2={width - frame.right} y1={y(share)} y2={y(share)} stroke="var(--line)" />
                    <text x={frame.left - 6} y={y(share) + 4} textAnchor="end">
                      {share * 100} %
                    </text>
                  </g>
                ))}
                <path d={paths.on} fill="var(--line)" data-series="on" />
                <path d={paths.listed} fill="var(--edge)" fillOpacity="0.5" data-series="listed" />
                <path d={paths.busy} fill="var(--ember)" data-series="busy" />
                {labelledOf(columns.length, frame, LABEL_ROOM).map((index) => (
                  <text key={index} x={frame.left + index * band + 2} y={HEIGHT - 6}>
                    {columns[index]!.label}
                  </text>
                ))}
              </svg>
            )}
          </figure>
        )}
      </div>
    </Card>
  )
}
