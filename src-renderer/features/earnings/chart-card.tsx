import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Series } from '#contract/earnings.ts'
import { Age } from '#ui/age.tsx'
import { type ChartRow, chartRows, cumulative, type IncomeSource, nowLabel, sourcesOf } from '#ui/chart-data.ts'
import { CumulativeChart, CumulativeLegend } from '#ui/cumulative-chart.tsx'
import { amount, unitWord } from '#ui/format.ts'
import { axisUnits, IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { IncomeTable } from '#ui/income-table.tsx'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { READ_AGAIN_MS, SPAN_NAMES, type SpanRange } from './spans.ts'
import { useSourceNames } from './source-names.ts'

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
type View = 'bars' | 'cumulative' | 'table'
const NOTES: Readonly<Record<View, (units: string) => string>> = {
  bars: (units) =>
    `${units}. Solid: available. Hatched, beside it: delivered and held, not yet released. Shaded: the rig was off.`,
  cumulative: (units) => `${units}. Solid line: available. Dashed: delivered and held, not yet released.`,
  table: () => 'Available is released; held is delivered and not yet released. They are never added.',
}

const isEmpty = (rows: readonly ChartRow[]): boolean => rows.every((row) => row.jobs === 0 && row.power === null)

function Picture({
  series,
  rows,
  sources,
  view,
  long,
}: {
  series: Series
  rows: ChartRow[]
  sources: IncomeSource[]
  view: View
  /** The span in words. */
  long: string
}) {
  const unit = useUnit()
  const { bucket } = series.range
  const sums = cumulative(rows)
  const present = nowLabel(series, rows)
  const last = sums.at(-1)
  const label = `${long}: ${amount(last?.available ?? 0, unit)} ${unitWord(unit)} available, ${amount(last?.held ?? 0, unit)} held, by ${bucket}. The table has every figure.`
  if (isEmpty(rows)) {
    return (
      <Empty title={`No job was settled in ${long}.`}>
        Bars appear with the first settled job, usually seconds after a listing. Choose a longer span to look further
        back.
      </Empty>
    )
  }
  if (view === 'table')
    return (
      <IncomeTable
        rows={rows}
        sources={sources}
        unit={unit}
        powerCurrency={series.powerCurrency}
        caption={`Earned by ${bucket}`}
      />
    )
  if (view === 'cumulative')
    return <CumulativeChart points={sums} unit={unit} powerCurrency={series.powerCurrency} label={label} />
  return (
    <IncomeChart
      rows={rows}
      sources={sources}
      unit={unit}
      powerCurrency={series.powerCurrency}
      label={label}
      height={300}
      {...(present === undefined ? {} : { nowLabel: present })}
    />
  )
}

export function ChartCard({ range }: { range: SpanRange }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const nameOf = useSourceNames(range.by)
  const unit = useUnit()
  const [view, setView] = useState<View>('bars')
  const series = useQuery(
    rpc.earnings.series.queryOptions({
      input: { venueId, ...range },
      placeholderData: (before) => before,
      refetchInterval: READ_AGAIN_MS,
    }),
  )
  const rows = series.data === undefined ? [] : chartRows(series.data)
  const sources = series.data === undefined ? [] : sourcesOf(series.data, nameOf)
  const bucket = series.data?.range.bucket ?? 'hour'
  const empty = isEmpty(rows)
  const legend =
    series.data === undefined || empty ? null : view === 'cumulative' ? (
      <CumulativeLegend />
    ) : (
      <IncomeLegend sources={sources} />
    )
  return (
    <Card
      title={`Income and electricity by ${bucket}`}
      aside={
        <>
          {view !== 'table' && legend}
          <SegmentedControl
            aria-label="Show as"
            value={view}
            onChange={(value) => setView(value)}
            data={[
              { value: 'bars', label: `per ${bucket}` },
              { value: 'cumulative', label: 'cumulative' },
              { value: 'table', label: 'table' },
            ]}
          />
        </>
      }
    >
      <Loaded query={series} lines={7}>
        {(data) => (
          <>
            <Picture series={data} rows={rows} sources={sources} view={view} long={SPAN_NAMES[range.span].long} />
            {!empty && (
              <p className="foot">
                {NOTES[view](capital(axisUnits(unit, data.powerCurrency)))} Electricity, idle included:{' '}
                {data.powerMethod}. <Age at={data.at} words="age.read" />
              </p>
            )}
          </>
        )}
      </Loaded>
    </Card>
  )
}
