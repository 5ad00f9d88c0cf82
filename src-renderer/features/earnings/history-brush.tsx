/**
 * The last year in one path, with the range on it: drag to choose another. Keys have the two dates and the buttons of
 * the view bar for the same.
 */
import { useQuery } from '@tanstack/react-query'
import { type PointerEvent, useMemo, useState } from 'react'

import type { History, Series } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { amount, unitWord } from '#ui/format.ts'
import { viewerZone } from '#ui/format-time.ts'

import { useCore, useVenue } from '../../core-client.ts'
import { READ_AGAIN_MS, useGo } from './use-shown.ts'
import { useWidth } from './use-width.ts'
import { datesOf } from './view-bar.tsx'

const HEIGHT = 36
const LEAST_DAYS = 8

/** One path for all days, each as high as what it earned. */
export function historyPath(days: History['days'], width: number, height: number): string {
  const highest = Math.max(1, ...days.map(({ earnedNano }) => earnedNano))
  const step = width / days.length
  return days
    .map(({ earnedNano }, index) => {
      const tall = Math.max(0, (earnedNano / highest) * (height - 2))
      return tall === 0
        ? ''
        : `M${(index * step).toFixed(1)} ${height}v${(-tall).toFixed(1)}h${(step * 0.85).toFixed(2)}v${tall.toFixed(1)}z`
    })
    .join('')
}

/** Indices of the first and last day that a range holds of these; null where it holds none. */
export function heldBy(
  days: readonly { date: string }[],
  { first, last }: { first: string; last: string },
): [number, number] | null {
  const from = days.findIndex(({ date }) => date >= first)
  const to = days.findLastIndex(({ date }) => date <= last)
  return from === -1 || to < from ? null : [from, to]
}

export function HistoryBrush({ series, unit }: { series: Series; unit: Unit }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const go = useGo()
  const [box, width] = useWidth<HTMLDivElement>()
  const [drag, setDrag] = useState<[number, number] | null>(null)
  const history = useQuery(
    rpc.earnings.history.queryOptions({
      input: { venueId, zone: viewerZone() },
      refetchInterval: READ_AGAIN_MS * 5,
      staleTime: READ_AGAIN_MS,
    }),
  )
  const days = useMemo(() => history.data?.days ?? [], [history.data])
  const path = useMemo(() => historyPath(days, width, HEIGHT), [days, width])
  if (days.length < LEAST_DAYS) return null
  const step = width / days.length
  const dayAt = (event: PointerEvent<HTMLDivElement>): number => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left
    return Math.max(0, Math.min(days.length - 1, Math.floor(x / step)))
  }
  const chosen = drag === null ? heldBy(days, datesOf(series)) : ([Math.min(...drag), Math.max(...drag)] as const)
  const sum =
    chosen === null ? 0 : days.slice(chosen[0], chosen[1] + 1).reduce((total, day) => total + day.earnedNano, 0)
  const end = (): void => {
    if (drag !== null)
      go({ span: undefined, first: days[Math.min(...drag)]!.date, last: days[Math.max(...drag)]!.date })
    setDrag(null)
  }
  return (
    <div className="brush">
      <div
        ref={box}
        className="brush-box"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          const day = dayAt(event)
          setDrag([day, day])
        }}
        onPointerMove={(event) => setDrag(drag === null ? null : [drag[0], dayAt(event)])}
        onPointerUp={end}
        onPointerCancel={() => setDrag(null)}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} aria-hidden="true">
            {chosen !== null && (
              <rect
                x={chosen[0] * step}
                y={0}
                width={(chosen[1] - chosen[0] + 1) * step}
                height={HEIGHT}
                fill="var(--ember)"
                fillOpacity="0.16"
                stroke="var(--ember)"
              />
            )}
            <path d={path} fill="var(--edge)" data-series="history" />
          </svg>
        )}
      </div>
      <p className="age num">
        {days[0]!.date} to today, earned by day: drag over it to choose days.
        {drag !== null &&
          chosen !== null &&
          ` ${days[chosen[0]]!.date} to ${days[chosen[1]]!.date}: ${amount(sum, unit)} ${unitWord(unit)}`}
      </p>
    </div>
  )
}
