/** The first earning, live: bought, delivered, held, then available. */
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import type { Onboarding } from '#contract/app.ts'
import type { Summary } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { chartRows, sourcesOf } from '#ui/chart-data.ts'
import { amount, count, gradeName, unitWord } from '#ui/format.ts'
import { holdSentence } from '#ui/hold.ts'
import { DayChart } from '#ui/day-chart.tsx'
import { axisUnits, IncomeLegend } from '#ui/income-legend.tsx'
import { FoldedIncomeTable } from '#ui/income-table.tsx'
import { Card, PageHead, Tile } from '#ui/page.tsx'
import { duration, until, viewerZone } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useCore, useLive, useUnit, useVenue, useVenueLive } from '../../core-client.ts'

function sentenceOf(summary: Summary | undefined, running: number, listing: string | undefined, unit: Unit): string {
  if (summary === undefined) return 'Reading the books.'
  if (summary.availableNano > 0)
    return `Your first ${unitWord(unit)} are available: ${amount(summary.availableNano, unit)}.`
  if (summary.heldNano > 0) return `Your first earning is held: ${amount(summary.heldNano, unit)} ${unitWord(unit)}.`
  if (summary.pendingNano > 0) return 'The first job is delivered; the exchange is settling it.'
  if (running > 0) return 'The first job is running.'
  return listing === 'listed'
    ? 'Listed: the practice buyer usually comes within seconds.'
    : 'Listing: waiting for the exchange to take the ask.'
}

function Sums({ summary, now }: { summary: Summary; now: number }) {
  const unit = useUnit()
  return (
    <div className="grid g3">
      <Tile
        question="Held"
        value={<span data-testid="held">{amount(summary.heldNano, unit)}</span>}
        unit={unitWord(unit)}
        foot={
          summary.nextRelease === null
            ? 'released after a short hold'
            : `${amount(summary.nextRelease.amountNano, unit)} released ${until(summary.nextRelease.at, now)}`
        }
      />
      <Tile
        question="Available"
        value={<span data-testid="available">{amount(summary.availableNano, unit)}</span>}
        unit={unitWord(unit)}
        foot="released by the exchange"
      />
      <Tile
        question="Jobs delivered"
        value={count(summary.jobs)}
        unit={`${count(summary.inputTokens + summary.outputTokens)} tokens`}
        foot={`fee so far ${amount(summary.feeNano, unit)}`}
      />
    </div>
  )
}

export function EarningStep({ onboarding, onDone }: { onboarding: Onboarding; onDone: () => void }) {
  const { rpc } = useCore()
  const unit = useUnit()
  const now = useNow()
  const live = useLive()
  const { venueId } = useVenue()
  const here = useVenueLive()
  const series = useQuery(
    rpc.earnings.series.queryOptions({ input: { venueId, span: '6h', zone: viewerZone() }, refetchInterval: 1_500 }),
  )
  const summary = series.data?.summary
  const instruments = useQuery(rpc.market.instruments.queryOptions({ input: { venueId } }))
  const running = live?.value.running.filter((job) => !job.exam).length ?? 0
  const earned = (summary?.heldNano ?? 0) > 0 || (summary?.availableNano ?? 0) > 0
  const rows = series.data === undefined ? [] : chartRows(series.data)
  const sources = series.data === undefined ? [] : sourcesOf(series.data, gradeName)
  const { startedAt, firstEarningAt } = onboarding
  const hold = holdSentence(instruments.data?.[0]?.holdMs)
  return (
    <>
      <PageHead
        title="First run: first earning"
        sentence={sentenceOf(summary, running, here?.listing, unit)}
        sub={
          firstEarningAt !== null && startedAt !== null
            ? `${duration(firstEarningAt - startedAt)} after you pressed Start. ${hold}`
            : hold
        }
        actions={
          <Button variant={earned ? 'filled' : 'default'} onClick={onDone}>
            Open the console
          </Button>
        }
      />
      <div aria-live="polite">{summary !== undefined && <Sums summary={summary} now={now} />}</div>
      {series.data !== undefined && (
        <Card title="Income and electricity by hour" aside={<IncomeLegend sources={sources} />}>
          <p className="age" style={{ marginBottom: 8 }}>
            {axisUnits(unit, series.data.powerCurrency)}
          </p>
          <DayChart
            rows={rows}
            sources={sources}
            unit={unit}
            powerCurrency={series.data.powerCurrency}
            label="Income and electricity of the last six hours"
          />
          <FoldedIncomeTable
            rows={rows}
            sources={sources}
            unit={unit}
            powerCurrency={series.data.powerCurrency}
            caption="Earned by hour"
          />
        </Card>
      )}
    </>
  )
}
