/** Which hours pay: hour by weekday, every cell with its figure; what was not listed is hatched, a loss is outlined. */
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import type { Unit } from '#contract/units.ts'
import { amount, percent, unitWord } from '#ui/format.ts'
import { duration, viewerZone } from '#ui/format-time.ts'
import { fixed } from '#ui/number-format.ts'
import { Card } from '#ui/page.tsx'
import { Loaded } from '#ui/loaded.tsx'
import { type Column, Table } from '#ui/table.tsx'
import { saveText } from '#ui/save.ts'

import { useCore, useVenue } from '../../core-client.ts'
import { ChartTools } from './chart-tools.tsx'
import { csvText } from './csv-text.ts'
import { isOneMoney } from './figures.ts'
import { rangeOf } from './earnings-search.ts'
import { READ_AGAIN_MS, type Shown } from './use-shown.ts'
import { cellScale, DAY_NAMES, weekCells, type WeekCell } from './week-cells.ts'
import { useWidth } from './use-width.ts'
import { longName } from './earnings-words.ts'

const twoDigits = (hour: number): string => String(hour).padStart(2, '0')
const timeOf = ({ day, hour }: WeekCell): string => `${DAY_NAMES[day]} ${twoDigits(hour)}:00`

/** Days across and hours down where the window is narrow, the other way round where it is wide. */
function Heat({ cells, unit, width }: { cells: readonly WeekCell[]; unit: Unit; width: number }) {
  const isTall = width < 620
  const [across, down] = isTall ? [7, 24] : [24, 7]
  const left = 34
  const top = 20
  const cellWidth = (width - left) / across
  const cellHeight = isTall ? 20 : 26
  const { factor } = cellScale(cells, unit.scale)
  const highest = Math.max(1, ...cells.map(({ value }) => value ?? 0))
  // One number of decimals in all cells.
  const digits = cells.some(({ value }) => Math.abs(value ?? 0) / factor >= (cellWidth < 34 ? 10 : 100)) ? 0 : 1
  const heads = Array.from({ length: across }, (_, index) => (isTall ? DAY_NAMES[index] : twoDigits(index)))
  return (
    <svg
      width={width}
      height={top + down * cellHeight + 2}
      viewBox={`0 0 ${width} ${top + down * cellHeight + 2}`}
      aria-hidden="true"
    >
      <defs>
        <pattern id="not-listed" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="1.4" height="6" fill="var(--line)" />
        </pattern>
      </defs>
      {heads.map(
        (head, index) =>
          (isTall || index % 2 === 0) && (
            <text key={head} x={left + (index + 0.5) * cellWidth} y={12} textAnchor="middle">
              {head}
            </text>
          ),
      )}
      {Array.from({ length: down }, (_, index) => (
        <text key={index} x={0} y={top + (index + 0.5) * cellHeight + 4}>
          {isTall ? twoDigits(index) : DAY_NAMES[index]}
        </text>
      ))}
      {cells.map((cell) => {
        const x = left + (isTall ? cell.day : cell.hour) * cellWidth
        const y = top + (isTall ? cell.hour : cell.day) * cellHeight
        const { value } = cell
        const box = { x: x + 0.5, y: y + 0.5, width: cellWidth - 1, height: cellHeight - 1 }
        const isLoss = value !== null && value < 0
        return (
          <g key={`${cell.day}-${cell.hour}`}>
            <rect
              {...box}
              fill={value === null ? 'url(#not-listed)' : 'var(--c1)'}
              fillOpacity={value === null ? 1 : 0.04 + 0.4 * Math.max(0, value / highest)}
              stroke={isLoss ? 'var(--c2)' : 'none'}
              strokeWidth="1.5"
            />
            {value !== null && (
              <text
                x={x + cellWidth / 2}
                y={y + cellHeight / 2 + 4}
                textAnchor="middle"
                style={{ fill: 'var(--text)' }}
              >
                {isLoss ? '−' : ''}
                {fixed(Math.abs(value) / factor, digits)}
              </text>
            )}
          </g>
        )
      })}
    </svg>
  )
}

const columnsOf = (unit: Unit, net: boolean): readonly Column<WeekCell>[] => [
  { head: 'Hour', cell: timeOf },
  {
    head: `${net ? 'Net' : 'Earned'} per listed hour, ${unitWord(unit)}`,
    right: true,
    cell: ({ value }) => (value === null ? 'not listed' : amount(value, unit)),
  },
  { head: 'Earned', right: true, cell: ({ earned }) => amount(earned, unit) },
  { head: 'Listed', right: true, cell: ({ listedMs }) => duration(listedMs) },
  {
    head: 'Busy',
    right: true,
    cell: ({ busyMs, listedMs }) => (listedMs === 0 ? '–' : percent(Math.min(1, busyMs / listedMs))),
  },
]

function csvOf(cells: readonly WeekCell[], currency: string, powerCurrency: string, zone: string): string {
  return csvText([
    [
      'weekday',
      'hour',
      'zone',
      'currency',
      'earned_nano',
      'power_currency',
      'power_cost_nano',
      'listed_ms',
      'busy_ms',
      'value_nano_per_listed_hour',
    ],
    ...cells.map(({ day, hour, earned, cost, listedMs, busyMs, value }) => [
      DAY_NAMES[day]!,
      hour,
      zone,
      currency,
      earned,
      powerCurrency,
      cost,
      listedMs,
      busyMs,
      value,
    ]),
  ])
}

export function WeekCard({ view, series, unit }: Shown & { unit: Unit }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const picture = useRef<HTMLElement>(null)
  const [box, width] = useWidth<HTMLDivElement>()
  const [isTable, setTable] = useState(false)
  const week = useQuery(
    rpc.earnings.week.queryOptions({
      input: { venueId, ...rangeOf(view, viewerZone()) },
      placeholderData: (before) => before,
      refetchInterval: READ_AGAIN_MS,
    }),
  )
  const net = isOneMoney(unit, series.powerCurrency) && view.only === undefined
  const cells = week.data === undefined ? [] : weekCells(week.data, net)
  const { exponent } = cellScale(cells, unit.scale)
  const times =
    exponent === 0
      ? ''
      : `10${Array.from(String(exponent))
          .map((letter) => SUPERSCRIPTS[letter] ?? letter)
          .join('')} `
  return (
    <Card
      title="Which hours pay?"
      aside={
        <>
          <span className="age">{`${net ? 'net' : 'earned'} per listed hour, ${times}${unitWord(unit)}, ${longName(view)}`}</span>
          <ChartTools
            fileName="stoker-earnings-by-hour-of-week"
            what="hours of the week"
            picture={picture}
            isTable={isTable}
            onTable={setTable}
            onCsv={() =>
              saveText(
                'stoker-earnings-by-hour-of-week.csv',
                'text/csv',
                csvOf(cells, series.currency, series.powerCurrency, series.range.zone),
              )
            }
          />
        </>
      }
    >
      <div ref={box}>
        <Loaded query={week}>
          {() =>
            isTable ? (
              <Table
                caption="Earned by hour of the week"
                columns={columnsOf(unit, net)}
                rows={cells.filter(({ value }) => value !== null)}
                rowKey={timeOf}
              />
            ) : (
              <figure
                ref={picture}
                className="earn-plot"

                aria-label="Earned by hour of the week; the table has every figure."
              >
                {width > 0 && <Heat cells={cells} unit={unit} width={width} />}
              </figure>
            )
          }
        </Loaded>
      </div>
      <p className="foot">
        Hatched: not listed. {net && 'Outlined with −: the hour cost more electricity than it earned. '}Hours are those
        of {series.range.zone}.
      </p>
    </Card>
  )
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
}
