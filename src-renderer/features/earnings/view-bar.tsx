/** Which time and which part of the income: every choice is a place in the address. */
import { Button, SegmentedControl, TextInput } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useState } from 'react'

import type { Series } from '#contract/earnings.ts'

import { isDate, SPANS, type Span, spanOf, shifted, SPLITS } from './earnings-search.ts'
import { KEY_WORDS } from './source-names.ts'
import { useGo, useView } from './use-shown.ts'
import { SPAN_NAMES } from './earnings-words.ts'

const DAY_MS = 86_400_000
/** First and last date of a range as it was cut; of the hours, the dates they lie on. */
export function datesOf({ buckets }: Series): { first: string; last: string } {
  const at = (index: number): string => buckets.at(index)?.startLocal.slice(0, 10) ?? ''
  const bucket = buckets.at(-1)
  // The last month ends on its last day, not on its first.
  const isLong = bucket !== undefined && bucket.end - bucket.at > 1.5 * DAY_MS
  const last = at(-1)
  if (!isLong || bucket === undefined) return { first: at(0), last }
  const days = Math.round((bucket.end - bucket.at) / DAY_MS) - 1
  return { first: at(0), last: new Date(Date.parse(`${last}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10) }
}

function Dates({ series }: { series: Series }) {
  const go = useGo()
  const shown = datesOf(series)
  const [draft, setDraft] = useState<{ of: string; first: string; last: string } | null>(null)
  const key = `${shown.first} ${shown.last}`
  const { first, last } = draft?.of === key ? draft : shown
  const change = (next: { first: string; last: string }): void => {
    setDraft({ of: key, ...next })
    if (isDate(next.first) && isDate(next.last) && next.first <= next.last) go({ span: undefined, ...next })
  }
  const isWrong = first > last
  return (
    <span className="btns">
      <TextInput
        size="xs"
        type="date"
        aria-label="First day"
        value={first}
        error={isWrong}
        onChange={(event) => change({ first: event.currentTarget.value, last })}
      />
      <span aria-hidden="true">–</span>
      <TextInput
        size="xs"
        type="date"
        aria-label="Last day"
        value={last}
        error={isWrong ? 'ends before it begins' : undefined}
        onChange={(event) => change({ first, last: event.currentTarget.value })}
      />
    </span>
  )
}

const todayOf = ({ buckets, at }: Series): string =>
  buckets.findLast((bucket) => bucket.at <= at)?.startLocal.slice(0, 10) ?? new Date(at).toISOString().slice(0, 10)

function Periods({ series }: { series: Series }) {
  const go = useGo()
  const dates = datesOf(series)
  const back = shifted(dates, -1, todayOf(series))
  const forward = shifted(dates, 1, todayOf(series))
  const move = (to: typeof back): void => void (to !== null && go({ span: undefined, ...to }))
  useHotkeys([
    ['[', () => move(back)],
    [']', () => move(forward)],
  ])
  return (
    <span className="btns">
      <Button
        variant="default"
        size="xs"
        aria-label="A period back"
        disabled={back === null}
        onClick={() => move(back)}
      >
        ← <span className="kbd">[</span>
      </Button>
      <Button
        variant="default"
        size="xs"
        aria-label="A period forward"
        disabled={forward === null}
        onClick={() => move(forward)}
      >
        <span className="kbd">]</span> →
      </Button>
    </span>
  )
}

export function ViewBar({ series }: { series: Series | undefined }) {
  const view = useView()
  const go = useGo()
  return (
    <div className="view-bar">
      <SegmentedControl
        aria-label="Time span"
        value={spanOf(view) ?? ''}
        onChange={(value) => go({ span: value as Span, first: undefined, last: undefined })}
        data={SPANS.map((each) => ({ value: each, label: SPAN_NAMES[each].short }))}
      />
      {series !== undefined && <Dates series={series} />}
      {series !== undefined && <Periods series={series} />}
      <SegmentedControl
        aria-label="Told apart by"
        value={view.split ?? 'instrument'}
        onChange={(value) => go({ split: value === 'instrument' ? undefined : value, only: undefined })}
        data={SPLITS.map((each) => ({ value: each, label: each === 'gpu' ? 'GPU' : KEY_WORDS[each] }))}
      />
    </div>
  )
}
