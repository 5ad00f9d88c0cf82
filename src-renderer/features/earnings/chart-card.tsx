import { SegmentedControl } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useMemo, useRef } from 'react'

import type { Unit } from '#contract/units.ts'
import { Age } from '#ui/age.tsx'
import { chartRows, type IncomeSource } from '#ui/chart-data.ts'
import { amount, unitWord } from '#ui/format.ts'
import { IncomeTable } from '#ui/income-table.tsx'
import { Empty } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { viewerZone } from '#ui/format-time.ts'
import { saveText } from '#ui/save.ts'

import { useCore, useVenue } from '../../core-client.ts'
import { ChartTools } from './chart-tools.tsx'
import { earnedOf, isOneMoney } from './figures.ts'
import { HistoryBrush } from './history-brush.tsx'
import { IncomePlot } from './income-plot.tsx'
import { SourceLegend } from './legend.tsx'
import { columnsOf, gpusOf } from './plot-data.ts'
import { rangeOf } from './earnings-search.ts'
import { READ_AGAIN_MS, type Shown, useGo, useView } from './use-shown.ts'
import { BUCKET_WORDS, longName } from './earnings-words.ts'

interface ChartCardProps extends Shown {
  unit: Unit
  /** Of what is in the range. */
  sources: readonly IncomeSource[]
  /** Of all that was ever sold. */
  all: readonly IncomeSource[]
}

/** The rows of the screen as the core writes them. */
export function useCsv(view: Shown['view']) {
  const { client } = useCore()
  const { venueId } = useVenue()
  return useMutation({
    mutationFn: () => client.earnings.csv({ venueId, ...rangeOf(view, viewerZone()) }),
    onSuccess: ({ fileName, csv }) => saveText(fileName, 'text/csv', csv),
    onError: (error) => sayError('The CSV was not saved', error),
  })
}

function noteOf(one: boolean, sums: boolean): string {
  if (sums) return 'Solid line: available. Dashed: held, not yet released. Below: electricity.'
  const scale = one
    ? 'One scale above and below the axis; the black tick is what is left.'
    : 'Two units, so two scales and no net.'
  return `A bar is what was earned after fees; its hatched part is still held. ${scale} Shaded: the rig was off, or part of the time. ▲ an ask changed, ◆ cost money or time, ○ for the record.`
}

export function ChartCard({ view, series, unit, sources, all }: ChartCardProps) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const go = useGo()
  const { show = 'bars' } = useView()
  const csv = useCsv(view)
  const picture = useRef<HTMLElement>(null)
  const marks = useQuery(
    rpc.earnings.marks.queryOptions({
      input: { venueId, ...rangeOf(view, viewerZone()) },
      placeholderData: (before) => before,
      refetchInterval: READ_AGAIN_MS,
    }),
  )
  const columns = useMemo(() => columnsOf(series, sources), [series, sources])
  const gpus = useMemo(() => gpusOf(series), [series])
  const bucket = BUCKET_WORDS[series.range.bucket]
  const isPart = view.only !== undefined
  const one = isOneMoney(unit, series.powerCurrency)
  const withNet = one && !isPart
  const long = longName(view)
  const isEmpty = columns.every((column) => column.jobs === 0 && column.power === null)
  const { summary } = series
  const label = `${long}: ${amount(earnedOf(summary), unit)} ${unitWord(unit)} earned, of it ${amount(summary.heldNano, unit)} held, by ${bucket}. The table has every figure.`
  const what = `chart by ${bucket}`
  return (
    <Card
      title={`Income and electricity by ${bucket}`}
      aside={
        <>
          {show !== 'table' && !isEmpty && (
            <SourceLegend all={all} canFilter={view.split !== 'gpu'} withNet={withNet && show === 'bars'} />
          )}
          <SegmentedControl
            aria-label="Show as"
            value={show}
            onChange={(value) => go({ show: value === 'bars' ? undefined : value })}
            data={[
              { value: 'bars', label: `per ${bucket}` },
              { value: 'sums', label: 'cumulative' },
              { value: 'table', label: 'table' },
            ]}
          />
          <ChartTools
            fileName={`stoker-earnings-by-${bucket}`}
            what={what}
            picture={picture}
            isTable={show === 'table'}
            onCsv={() => csv.mutate()}
          />
        </>
      }
    >
      {isEmpty ? (
        <Empty title={`No job was settled in ${long}.`}>
          Bars appear with the first settled job, usually seconds after a listing. Choose a longer span to look further
          back.
        </Empty>
      ) : show === 'table' ? (
        <IncomeTable
          rows={chartRows(series)}
          sources={sources}
          unit={unit}
          powerCurrency={series.powerCurrency}
          caption={`Earned by ${bucket}`}
        />
      ) : (
        <IncomePlot
          columns={columns}
          sources={sources}
          gpus={gpus}
          marks={marks.data?.marks ?? []}
          unit={unit}
          powerCurrency={series.powerCurrency}
          one={one}
          withNet={withNet}
          sums={show === 'sums'}
          byGpu={view.split === 'gpu'}
          label={label}
          now={series.at}
          picture={picture}
        />
      )}
      <HistoryBrush series={series} unit={unit} />
      {!isEmpty && (
        <p className="foot">
          {show !== 'table' && noteOf(one, show === 'sums')}{' '}
          {view.split === 'gpu' && 'Which GPU a job ran on is not recorded; what each took of the electricity is. '}
          {isPart && 'Electricity is the whole machine’s, so there is no net of a part. '}
          {(marks.data?.leftOut ?? 0) > 0 && `${marks.data?.leftOut} older marks are left out. `}
          Electricity, idle included: {series.powerMethod}. <Age at={series.at} words="age.read" />
        </p>
      )}
    </Card>
  )
}
