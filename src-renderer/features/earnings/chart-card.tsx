import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Series } from '#contract/earnings.ts'
import { Age } from '#ui/age.tsx'
import { bucketLabel, type ChartRow, chartRows, cumulative, instrumentsOf } from '#ui/chart-data.ts'
import { CumulativeChart, CumulativeLegend } from '#ui/cumulative-chart.tsx'
import { amount, currencyWord } from '#ui/format.ts'
import { axisUnits, IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { IncomeTable } from '#ui/income-table.tsx'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { useNow } from '#ui/use-now.ts'

import { useCore } from '../../core-client.ts'
import { SPAN_NAMES, type Span, type SpanRange } from './ranges.ts'

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
  view,
  span,
  now,
}: {
  series: Series
  rows: ChartRow[]
  view: View
  span: Span
  now: number
}) {
  const instruments = instrumentsOf(series)
  const unit = currencyWord(series.currency)
  const { bucket, long } = SPAN_NAMES[span]
  const sums = cumulative(rows, now)
  const last = sums.at(-1)
  const label = `${long}: ${amount(last?.available ?? 0)} ${unit} available, ${amount(last?.held ?? 0)} held, by ${bucket}. The table has every figure.`
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
        instruments={instruments}
        currency={series.currency}
        powerCurrency={series.powerCurrency}
        caption={`Earned by ${bucket}`}
        now={now}
      />
    )
  if (view === 'cumulative')
    return (
      <CumulativeChart points={sums} currency={series.currency} powerCurrency={series.powerCurrency} label={label} />
    )
  return (
    <IncomeChart
      rows={rows}
      instruments={instruments}
      currency={series.currency}
      powerCurrency={series.powerCurrency}
      label={label}
      height={300}
      {...(span === '24h' ? {} : { nowLabel: bucketLabel(rows.findLast((row) => row.at <= now)?.at ?? now, bucket) })}
    />
  )
}

export function ChartCard({ range, span }: { range: SpanRange; span: Span }) {
  const { rpc } = useCore()
  const now = useNow()
  const [view, setView] = useState<View>('bars')
  const series = useQuery(rpc.earnings.series.queryOptions({ input: range, placeholderData: (before) => before }))
  const rows = series.data === undefined ? [] : chartRows(series.data, range.from, range.to, range.bucket, now)
  const empty = isEmpty(rows)
  const legend =
    series.data === undefined || empty ? null : view === 'cumulative' ? (
      <CumulativeLegend />
    ) : (
      <IncomeLegend instruments={instrumentsOf(series.data)} />
    )
  return (
    <Card
      title={`Income and electricity by ${range.bucket}`}
      aside={
        <>
          {view !== 'table' && legend}
          <SegmentedControl
            aria-label="Show as"
            value={view}
            onChange={(value) => setView(value)}
            data={[
              { value: 'bars', label: `per ${range.bucket}` },
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
            <Picture series={data} rows={rows} view={view} span={span} now={now} />
            {!empty && (
              <p className="foot">
                {NOTES[view](capital(axisUnits(data.currency, data.powerCurrency)))} Electricity: {data.powerMethod}.{' '}
                <Age at={data.at} words="age.read" />
              </p>
            )}
          </>
        )}
      </Loaded>
    </Card>
  )
}
