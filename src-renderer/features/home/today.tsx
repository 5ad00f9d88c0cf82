/** Money of the viewer's day: available and held apart, electricity below in its own currency. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import type { Home } from '#contract/app.ts'
import { chartRows, nowLabel, sourcesOf } from '#ui/chart-data.ts'
import { amount, count, gradeName, powerMoney } from '#ui/format.ts'
import { axisUnits, IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { FoldedIncomeTable } from '#ui/income-table.tsx'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'

import { useCore, useUnit } from '../../core-client.ts'

/** The running hour moves on without any event. */
const READ_AGAIN_MS = 60_000

export function Today({ home }: { home: Home }) {
  const { rpc } = useCore()
  const { venueId } = home
  const { zone, availableNano, heldNano, powerNano, jobs } = home.today
  const series = useQuery(
    rpc.earnings.series.queryOptions({ input: { venueId, span: 'today', zone }, refetchInterval: READ_AGAIN_MS }),
  )
  const sources = series.data === undefined ? [] : sourcesOf(series.data, gradeName)
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
      aside={series.data !== undefined && jobs > 0 && <IncomeLegend sources={sources} />}
    >
      <p className="age num" style={{ marginTop: -8, marginBottom: 8 }}>
        today in {zone} · {count(jobs)} jobs · electricity {electricity}
        {series.data !== undefined && jobs > 0 && ` · ${axisUnits(unit, series.data.powerCurrency)}`}
      </p>
      <Loaded query={series} lines={6}>
        {(data) => {
          const rows = chartRows(data)
          const present = nowLabel(data, rows)
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
                sources={sources}
                unit={unit}
                powerCurrency={data.powerCurrency}
                label={sentence}
                {...(present === undefined ? {} : { nowLabel: present })}
              />
              <FoldedIncomeTable
                rows={rows}
                sources={sources}
                unit={unit}
                powerCurrency={data.powerCurrency}
                caption="Earned today by hour"
              />
            </>
          )
        }}
      </Loaded>
    </Card>
  )
}
