/** Charts of income and the tables behind them. */
import { unitOf } from '#contract/units.ts'
import { bucketLabel, chartRows, cumulative, instrumentsOf } from '#ui/chart-data.ts'
import { CumulativeChart, CumulativeLegend } from '#ui/cumulative-chart.tsx'
import { IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { FoldedIncomeTable, IncomeTable } from '#ui/income-table.tsx'
import { Card } from '#ui/page.tsx'

import { series } from '../../test/support/fake-core/series.ts'

const DAY_MS = 86_400_000

export function MoneyParts({ now }: { now: number }) {
  const from = new Date(now).setMinutes(0, 0, 0) - DAY_MS
  const data = series(true, { from, to: now, bucket: 'hour' }, now)
  const rows = chartRows(data, from, now, 'hour', now)
  const money = { unit: unitOf(data.currency), powerCurrency: data.powerCurrency }
  const instruments = instrumentsOf(data)
  return (
    <>
      <div className="grid g2">
        <Card title="Income and electricity" aside={<IncomeLegend instruments={instruments} />}>
          <IncomeChart
            {...money}
            rows={rows}
            instruments={instruments}
            label="Income by hour"
            nowLabel={bucketLabel(now, 'hour')}
          />
          <FoldedIncomeTable {...money} rows={rows} instruments={instruments} caption="Income by hour" now={now} />
        </Card>
        <Card title="Running sums" aside={<CumulativeLegend />}>
          <CumulativeChart {...money} points={cumulative(rows, now)} label="Running sums by hour" />
        </Card>
      </div>
      <Card title="The table behind every chart">
        <IncomeTable {...money} rows={rows.slice(-6)} instruments={instruments} caption="The last hours" now={now} />
      </Card>
    </>
  )
}
