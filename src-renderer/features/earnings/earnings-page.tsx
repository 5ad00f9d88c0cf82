/**
 * Earnings: available and held apart, electricity below, every chart with its table, and a CSV that equals the screen.
 */
import { Button, SegmentedControl } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Summary } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { HOUR_MS } from '#contract/time.ts'
import { amount, powerMoney } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { PageHead } from '#ui/page.tsx'
import { saveText } from '#ui/save.ts'
import { until, zone } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useCore, useUnit } from '../../core-client.ts'
import { ChartCard } from './chart-card.tsx'
import { HeldCard } from './held-card.tsx'
import { rangeOf, SPAN_NAMES, SPANS, type Span } from './ranges.ts'
import { SourceCard } from './source-card.tsx'
import { SummaryTiles } from './summary-tiles.tsx'

function sentenceOf(summary: Summary | undefined, span: Span, unit: Unit): string {
  if (summary === undefined) return 'Reading the books.'
  if (summary.jobs === 0) return `Nothing was earned in ${SPAN_NAMES[span].long}.`
  const power =
    summary.powerNano === null ? '' : `, with ${powerMoney(summary.powerNano, summary.powerCurrency)} of electricity`
  return `${amount(summary.availableNano, unit)} ${unit.name} available from ${SPAN_NAMES[span].long}, ${amount(summary.heldNano, unit)} held${power}.`
}

function CsvButton({ range }: { range: ReturnType<typeof rangeOf> }) {
  const { client } = useCore()
  const save = useMutation({
    mutationFn: () => client.earnings.csv(range),
    onSuccess: ({ fileName, csv }) => saveText(fileName, 'text/csv', csv),
    onError: (error) => sayError('The CSV was not saved', error),
  })
  return (
    <Button variant="default" loading={save.isPending} onClick={() => save.mutate()}>
      Download CSV
    </Button>
  )
}

export function EarningsPage() {
  const { rpc } = useCore()
  const unit = useUnit()
  const [span, setSpan] = useState<Span>('24h')
  const now = useNow()
  const range = rangeOf(span, now)
  // The summary's range ends with the running hour: a query key that changed each second would never be reused.
  const summary = useQuery(
    rpc.earnings.summary.queryOptions({
      input: { from: range.from, to: Math.max(range.to, Math.ceil(now / HOUR_MS) * HOUR_MS) },
      placeholderData: (before) => before,
    }),
  )
  const next = summary.data?.nextRelease
  return (
    <>
      <PageHead
        title="Earnings"
        sentence={sentenceOf(summary.data, span, unit)}
        sub={
          <span className="num">
            {SPAN_NAMES[span].long}, local time ({zone(now)})
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
            <CsvButton range={range} />
          </>
        }
      />
      <Loaded query={summary} lines={4}>
        {(data) => <SummaryTiles summary={data} />}
      </Loaded>
      <div className="grid">
        <ChartCard range={range} span={span} />
      </div>
      <div className="grid g21 tables">
        <SourceCard range={range} span={span} />
        <HeldCard />
      </div>
    </>
  )
}
