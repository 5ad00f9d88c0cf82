/** Money since local midnight: available and held apart, electricity below in its own currency. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import type { Home } from '#contract/app.ts'
import { DAY_MS } from '#contract/time.ts'
import { chartRows, instrumentsOf } from '#ui/chart-data.ts'
import { amount, count, powerMoney } from '#ui/format.ts'
import { axisUnits, IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { FoldedIncomeTable } from '#ui/income-table.tsx'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { hour, offsetMinutes, zone } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useCore, useUnit } from '../../core-client.ts'

export function Today({ home }: { home: Home }) {
  const { rpc } = useCore()
  const now = useNow()
  const { since, availableNano, heldNano, powerNano, jobs } = home.today
  const range = { from: since, to: since + DAY_MS, bucket: 'hour' as const, offsetMinutes: offsetMinutes(since) }
  const series = useQuery(rpc.earnings.series.queryOptions({ input: range }))
  const unit = useUnit()
  const electricity = powerNano === null ? 'no price set' : powerMoney(powerNano, home.cost.powerCurrency)
  const sentence = `Today, ${jobs} jobs: ${amount(availableNano, unit)} ${unit.name} available, ${amount(heldNano, unit)} held; electricity ${electricity}.`
  return (
    <Card
      label="Earned today"
      title={
        <>
          Available today <span className="num">{amount(availableNano, unit)}</span>
          <span className="age"> · </span>held <span className="num">{amount(heldNano, unit)}</span>{' '}
          <span className="age">{unit.name}</span>
        </>
      }
      aside={series.data !== undefined && jobs > 0 && <IncomeLegend instruments={instrumentsOf(series.data)} />}
    >
      <p className="age num" style={{ marginTop: -8, marginBottom: 8 }}>
        since {hour(since)} {zone(since)} · {count(jobs)} jobs · electricity {electricity}
        {series.data !== undefined && jobs > 0 && ` · ${axisUnits(unit, series.data.powerCurrency)}`}
      </p>
      <Loaded query={series} lines={6}>
        {(data) => {
          const rows = chartRows(data, range.from, range.to, 'hour', now)
          if (jobs === 0 && rows.every((row) => row.jobs === 0)) {
            return (
              <Empty title="Nothing earned today yet." action={<Link to="/market">Open the market</Link>}>
                Income appears here with the first job. With a model that passed its exam and an ask on the market, the
                practice buyer usually comes within seconds.
              </Empty>
            )
          }
          return (
            <>
              <IncomeChart
                rows={rows}
                instruments={instrumentsOf(data)}
                unit={unit}
                powerCurrency={data.powerCurrency}
                label={sentence}
                nowLabel={hour(now - (now % 3_600_000))}
              />
              <FoldedIncomeTable
                rows={rows}
                instruments={instrumentsOf(data)}
                unit={unit}
                powerCurrency={data.powerCurrency}
                caption="Earned today by hour"
                now={now}
              />
            </>
          )
        }}
      </Loaded>
    </Card>
  )
}
