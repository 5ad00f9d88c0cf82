/** Money of the viewer's day: available and held apart, electricity below in its own currency. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import type { Home } from '#contract/app.ts'
import { chartRows, nowLabel, sourcesOf } from '#ui/chart-data.ts'
import { amount, gradeName, powerMoney, unitWord } from '#ui/format.ts'
import { DayChart } from '#ui/day-chart.tsx'
import { axisUnits, IncomeLegend } from '#ui/income-legend.tsx'
import { FoldedIncomeTable } from '#ui/income-table.tsx'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { t } from '#ui/say.ts'

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
  const word = unitWord(unit)
  const electricity = powerNano === null ? t('today.noPrice') : powerMoney(powerNano, home.cost.powerCurrency)
  const sentence = t('today.sentence', {
    jobs,
    available: amount(availableNano, unit),
    unit: word,
    held: amount(heldNano, unit),
    electricity,
  })
  return (
    <Card
      label={t('today.label')}
      title={
        <>
          {t('today.available')} <span className="num">{amount(availableNano, unit)}</span>
          <span className="age"> · </span>
          {t('today.held')} <span className="num">{amount(heldNano, unit)}</span> <span className="age">{word}</span>
        </>
      }
      aside={series.data !== undefined && jobs > 0 && <IncomeLegend sources={sources} />}
    >
      <p className="age num" style={{ marginTop: -8, marginBottom: 8 }}>
        {t('today.foot', { zone, jobs, electricity })}
        {series.data !== undefined && jobs > 0 && ` · ${axisUnits(unit, series.data.powerCurrency)}`}
      </p>
      <Loaded query={series} lines={6}>
        {(data) => {
          const rows = chartRows(data)
          const present = nowLabel(data, rows)
          if (jobs === 0 && rows.every((row) => row.jobs === 0)) {
            return (
              <Empty title={t('today.none')} action={<Link to="/market">{t('today.openMarket')}</Link>}>
                {t('today.noneWhy')}
              </Empty>
            )
          }
          return (
            <>
              <DayChart
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
                caption={t('today.caption')}
              />
            </>
          )
        }}
      </Loaded>
    </Card>
  )
}
