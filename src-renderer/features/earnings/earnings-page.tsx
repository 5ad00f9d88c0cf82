/**
 * Earnings: available and held apart, electricity below, every chart with its table, and a CSV that equals the screen.
 */
import { Button, SegmentedControl } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { IncomeKey, Summary } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { amount, powerMoney, unitWord } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { PageHead } from '#ui/page.tsx'
import { saveText } from '#ui/save.ts'
import { until, viewerZone } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { ChartCard } from './chart-card.tsx'
import { GpuCard } from './gpu-card.tsx'
import { HeldCard } from './held-card.tsx'
import { READ_AGAIN_MS, SPAN_NAMES, SPANS, type Span, type SpanRange } from './spans.ts'
import { KEY_WORDS } from './source-names.ts'
import { SourceCard } from './source-card.tsx'
import { SummaryTiles } from './summary-tiles.tsx'

function sentenceOf(summary: Summary | undefined, span: Span, unit: Unit): string {
  if (summary === undefined) return 'Reading the books.'
  if (summary.jobs === 0) return `Nothing was earned in ${SPAN_NAMES[span].long}.`
  const power =
    summary.powerNano === null
      ? ''
      : `, with ${powerMoney(summary.powerNano, summary.powerCurrency)} of electricity, idle included`
  return `${amount(summary.availableNano, unit)} ${unitWord(unit)} available from ${SPAN_NAMES[span].long}, ${amount(summary.heldNano, unit)} held${power}.`
}

function CsvButton({ range }: { range: SpanRange }) {
  const { client } = useCore()
  const { venueId } = useVenue()
  const save = useMutation({
    mutationFn: () => client.earnings.csv({ venueId, ...range }),
    onSuccess: ({ fileName, csv }) => saveText(fileName, 'text/csv', csv),
    onError: (error) => sayError('The CSV was not saved', error),
  })
  return (
    <Button variant="default" loading={save.isPending} onClick={() => save.mutate()}>
      Download CSV
    </Button>
  )
}

const KEYS = ['instrument', 'model', 'deployment'] as const satisfies readonly IncomeKey[]

export function EarningsPage() {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const [span, setSpan] = useState<Span>('24h')
  const [by, setBy] = useState<IncomeKey>('instrument')
  const now = useNow()
  const range: SpanRange = { span, zone: viewerZone(), by }
  // One answer for tiles, chart, table and sources: they are of the same moment and the same cut.
  const series = useQuery(
    rpc.earnings.series.queryOptions({
      input: { venueId, ...range },
      placeholderData: (before) => before,
      refetchInterval: READ_AGAIN_MS,
    }),
  )
  const summary = series.data?.summary
  const next = summary?.nextRelease
  return (
    <>
      <PageHead
        title="Earnings"
        sentence={sentenceOf(summary, span, unit)}
        sub={
          <span className="num">
            {SPAN_NAMES[span].long}, local time ({series.data?.range.zone ?? range.zone})
            {next != null && (
              <>
                {' '}
                · <b>next release</b> {amount(next.amountNano, unit)} {until(next.at, now)}
              </>
            )}
          </span>
        }
        actions={
          <>
            <SegmentedControl
              aria-label="Time span"
              value={span}
              onChange={(value) => setSpan(value)}
              data={SPANS.map((each) => ({ value: each, label: SPAN_NAMES[each].short }))}
            />
            <SegmentedControl
              aria-label="Told apart by"
              value={by}
              onChange={(value) => setBy(value)}
              data={KEYS.map((each) => ({ value: each, label: KEY_WORDS[each] }))}
            />
            <CsvButton range={range} />
          </>
        }
      />
      <Loaded query={series} lines={4}>
        {(data) => <SummaryTiles summary={data.summary} />}
      </Loaded>
      <div className="grid">
        <ChartCard range={range} />
      </div>
      <div className="grid g21 tables">
        <SourceCard range={range} />
        <HeldCard />
      </div>
      {series.data !== undefined && <GpuCard series={series.data} />}
    </>
  )
}
