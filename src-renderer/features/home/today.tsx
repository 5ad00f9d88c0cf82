/** Money since local midnight: available and held apart, electricity below in its own currency. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import type { Home } from '#contract/app.ts'
import { DAY_MS } from '#contract/time.ts'
import { chartRows, instrumentsOf } from '#ui/chart-data.ts'
import { amount, currencyWord, powerMoney } from '#ui/format.ts'
import { axisUnits, IncomeChart, IncomeLegend } from '#ui/income-chart.tsx'
import { FoldedIncomeTable } from '#ui/income-table.tsx'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { hour, offsetMinutes, zone } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'
import { t } from '#ui/say.ts'

import { useCore } from '../../core-client.ts'

export function Today({ home }: { home: Home }) {
  const { rpc } = useCore()
  const now = useNow()
  const { since, availableNano, heldNano, powerNano, jobs } = home.today
  const range = { from: since, to: since + DAY_MS, bucket: 'hour' as const, offsetMinutes: offsetMinutes(since) }
  const series = useQuery(rpc.earnings.series.queryOptions({ input: range }))
  const unit = currencyWord(home.currency)
  const electricity = powerNano === null ? t('today.noPrice') : powerMoney(powerNano, home.cost.powerCurrency)
  const sentence = t('today.sentence', {
    jobs,
    available: amount(availableNano),
    unit,
    held: amount(heldNano),
    electricity,
  })
  return (
    <Card
      label={t('today.label')}
      title={
        <>
          {t('today.available')} <span className="num">{amount(availableNano)}</span>
          <span className="age"> · </span>
          {t('today.held')} <span className="num">{amount(heldNano)}</span> <span className="age">{unit}</span>
        </>
      }
      aside={series.data !== undefined && jobs > 0 && <IncomeLegend instruments={instrumentsOf(series.data)} />}
    >
      <p className="age num" style={{ marginTop: -8, marginBottom: 8 }}>
        {t('today.foot', { hour: hour(since), zone: zone(since), jobs, electricity })}
        {series.data !== undefined && jobs > 0 && ` · ${axisUnits(series.data.currency, series.data.powerCurrency)}`}
      </p>
      <Loaded query={series} lines={6}>
        {(data) => {
          const rows = chartRows(data, range.from, range.to, 'hour', now)
          if (jobs === 0 && rows.every((row) => row.jobs === 0)) {
            return (
              <Empty title={t('today.none')} action={<Link to="/market">{t('today.openMarket')}</Link>}>
                {t('today.noneWhy')}
              </Empty>
            )
          }
          return (
            <>
              <IncomeChart
                rows={rows}
                instruments={instrumentsOf(data)}
                currency={data.currency}
                powerCurrency={data.powerCurrency}
                label={sentence}
                nowLabel={hour(now - (now % 3_600_000))}
              />
              <FoldedIncomeTable
                rows={rows}
                instruments={instrumentsOf(data)}
                currency={data.currency}
                powerCurrency={data.powerCurrency}
                caption={t('today.caption')}
                now={now}
              />
            </>
          )
        }}
      </Loaded>
    </Card>
  )
}
