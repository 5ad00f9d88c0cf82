/** Charts of income and the tables behind them. */
import { unitOf } from '#contract/units.ts'
import { chartRows, cumulative, nowLabel, sourcesOf } from '#ui/chart-data.ts'
import { CumulativeChart, CumulativeLegend } from '#ui/cumulative-chart.tsx'
import { gradeName } from '#ui/format.ts'
import { viewerZone } from '#ui/format-time.ts'
import { IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { FoldedIncomeTable, IncomeTable } from '#ui/income-table.tsx'
import { Card } from '#ui/page.tsx'

import { series } from '../../test/support/fake-core/series.ts'

export function MoneyParts({ now }: { now: number }) {
  const data = series(true, { span: 'today', zone: viewerZone(), by: 'instrument' }, now)
  const rows = chartRows(data)
  const present = nowLabel(data, rows)
  const money = { unit: unitOf(data.currency), powerCurrency: data.powerCurrency }
  const sources = sourcesOf(data, gradeName)
  return (
    <>
      <div className="grid g2">
        <Card title="Income and electricity" aside={<IncomeLegend sources={sources} />}>
          <IncomeChart
            {...money}
            rows={rows}
            sources={sources}
            label="Income by hour"
            {...(present === undefined ? {} : { nowLabel: present })}
          />
          <FoldedIncomeTable {...money} rows={rows} sources={sources} caption="Income by hour" />
        </Card>
        <Card title="Running sums" aside={<CumulativeLegend />}>
          <CumulativeChart {...money} points={cumulative(rows)} label="Running sums by hour" />
        </Card>
      </div>
      <Card title="The table behind every chart">
        <IncomeTable {...money} rows={rows.slice(-6)} sources={sources} caption="The last hours" />
      </Card>
    </>
  )
}
