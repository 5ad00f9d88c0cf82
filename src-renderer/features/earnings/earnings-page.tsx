/**
 * Earnings: four questions, one chart, and what stands behind it. Every figure is of one answer; the whole view is in the
 * address; until a new answer is there the old figures stay, dimmed, under their own words.
 */
import { Button } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { memo, useDeferredValue, useMemo } from 'react'

import { sourcesOf } from '#ui/chart-data.ts'
import { Loaded } from '#ui/loaded.tsx'
import { PageHead } from '#ui/page.tsx'

import { useUnit } from '../../core-client.ts'
import { ChartCard, useCsv } from './chart-card.tsx'
import { GpuCard } from './gpu-card.tsx'
import { columnsOf } from './plot-data.ts'
import { ReleasesCard } from './releases-card.tsx'
import { keyOf } from './earnings-search.ts'
import { SourceCard } from './source-card.tsx'
import { useSourceNames } from './source-names.ts'
import { bySource } from './source-rows.ts'
import { Tiles } from './tiles.tsx'
import { UsedCard } from './used-card.tsx'
import { type Shown, useShown, useView } from './use-shown.ts'
import { ViewBar } from './view-bar.tsx'
import { WeekCard } from './week-card.tsx'
import { beforeName, BUCKET_WORDS, longName, sentenceOf, underOf } from './earnings-words.ts'

function useSources({ view, series }: Shown) {
  const nameOf = useSourceNames(keyOf(view.split))
  const sources = useMemo(() => sourcesOf(series, nameOf), [series, nameOf])
  return { nameOf, sources }
}

function Evidence(shown: Shown) {
  const { view, series } = shown
  const unit = useUnit()
  const { nameOf, sources } = useSources(shown)
  const all = useMemo(
    () => series.sources.map((source, place) => ({ source, place, name: nameOf(source) })),
    [series.sources, nameOf],
  )
  const rows = useMemo(() => bySource(series), [series])
  return (
    <>
      <Tiles
        series={series}
        unit={unit}
        sources={sources}
        rows={rows}
        isPart={view.only !== undefined}
        before={beforeName(view)}
      />
      <div className="grid">
        <ChartCard view={view} series={series} unit={unit} sources={sources} all={all} />
      </div>
    </>
  )
}

/** What stands below the first chart. */
const Below = memo(function Below(shown: Shown) {
  const { view, series } = shown
  const unit = useUnit()
  const { nameOf, sources } = useSources(shown)
  const columns = useMemo(() => columnsOf(series, sources), [series, sources])
  return (
    <>
      <div className="grid g21 tables">
        <WeekCard view={view} series={series} unit={unit} />
        <ReleasesCard grades={series.by === 'instrument' ? series.sources : []} />
      </div>
      <div className="grid">
        <UsedCard columns={columns} bucket={BUCKET_WORDS[series.range.bucket]} />
      </div>
      <div className="grid g21 tables">
        <SourceCard series={series} long={longName(view)} nameOf={nameOf} unit={unit} />
        <GpuCard series={series} />
      </div>
    </>
  )
})

export function EarningsPage() {
  const unit = useUnit()
  const { query, old } = useShown()
  const asked = useView()
  const shown = query.data
  // The first chart does not wait for what lies below it, which is drawn in pieces between the viewer's turns.
  const late = useDeferredValue(shown, undefined)
  const csv = useCsv(shown?.view ?? asked)
  useHotkeys([['e', () => csv.mutate()]])
  return (
    <>
      <div className={old ? 'old-figures' : ''} aria-busy={old}>
        <PageHead
          title="Earnings"
          sentence={shown === undefined ? 'Reading the books.' : sentenceOf(shown, unit)}
          sub={
            shown !== undefined && (
              <span className="num">
                {underOf(shown, unit, shown.view.only !== undefined)} · {longName(shown.view)}, local time (
                {shown.series.range.zone})
              </span>
            )
          }
          actions={
            <Button variant="default" loading={csv.isPending} onClick={() => csv.mutate()}>
              Download CSV <span className="kbd">E</span>
            </Button>
          }
        />
      </div>
      <ViewBar series={shown?.series} />
      <div className={old ? 'old-figures' : ''} aria-busy={old}>
        <Loaded query={query} lines={7}>
          {(data) => <Evidence {...data} />}
        </Loaded>
        {late !== undefined && <Below {...late} />}
      </div>
    </>
  )
}
