/** When held money is released: by day, each bar by grade, hatched as held money is everywhere. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRef } from 'react'

import type { Releases } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { colourOf } from '#ui/chart-data.ts'
import { amount, count, gradeName, unitWord } from '#ui/format.ts'
import { moment, until, viewerZone } from '#ui/format-time.ts'
import { holdSentence } from '#ui/hold.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { saveText } from '#ui/save.ts'
import { useNow } from '#ui/use-now.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { ChartTools } from './chart-tools.tsx'
import { csvText } from './csv-text.ts'
import { onePrecision } from './one-precision.ts'

const READ_AGAIN_MS = 5_000
const NEXT_SHOWN = 5
const BAR = { width: 160, height: 12 } as const

const sumOf = ({ sources }: Releases['days'][number]): number =>
  sources.reduce((sum, { heldNano }) => sum + heldNano, 0)

/** `21 Nov` of a date of the core's calendar. */
const dayFormat = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
})
const dayOf = (date: string): string => dayFormat.format(Date.parse(`${date}T00:00:00Z`))

function csvOf({ days, zone }: Releases, currency: string): string {
  return csvText([
    ['release_date', 'zone', 'currency', 'instrument', 'held_nano'],
    ...days.flatMap(({ date, sources }) =>
      sources.map(({ source, heldNano }) => [date, zone, currency, source, heldNano]),
    ),
  ])
}

function Calendar({ releases, places, unit }: { releases: Releases; places: ReadonlyMap<string, number>; unit: Unit }) {
  const highest = Math.max(1, ...releases.days.map(sumOf))
  const written = onePrecision([...releases.days.map(sumOf), releases.laterNano], unit)
  return (
    <table className="table releases">
      <caption className="visually-hidden">Held money by the day of its release</caption>
      <thead>
        <tr>
          <th scope="col">Released</th>
          <th scope="col">By grade</th>
          <th scope="col" className="r">
            Jobs
          </th>
          <th scope="col" className="r">
            {unitWord(unit)}
          </th>
        </tr>
      </thead>
      <tbody>
        {releases.days.map((day) => (
          <tr key={day.date}>
            <td>{dayOf(day.date)}</td>
            <td
              title={day.sources
                .map(({ source, heldNano }) => `${gradeName(source)} ${amount(heldNano, unit)}`)
                .join(', ')}
            >
              <span className="release-bar" style={{ width: `${(sumOf(day) / highest) * 100}%` }}>
                {day.sources.map(({ source, heldNano }) => (
                  <i
                    key={source}
                    style={{ color: colourOf(places.get(source) ?? 0), flexGrow: heldNano / sumOf(day) }}
                  />
                ))}
              </span>
            </td>
            <td className="r">{count(day.jobs)}</td>
            <td className="r">{written(sumOf(day))}</td>
          </tr>
        ))}
        {releases.laterNano > 0 && (
          <tr>
            <td colSpan={3}>later</td>
            <td className="r">{written(releases.laterNano)}</td>
          </tr>
        )}
        <tr className="sum">
          <td colSpan={3}>Held</td>
          <td className="r">{written(releases.days.reduce((sum, day) => sum + sumOf(day), 0) + releases.laterNano)}</td>
        </tr>
      </tbody>
    </table>
  )
}

/** The same as a picture that can be saved: drawn out of sight, since the table above is what is read. */
function Picture({ releases, places, unit }: { releases: Releases; places: ReadonlyMap<string, number>; unit: Unit }) {
  const highest = Math.max(1, ...releases.days.map(sumOf))
  const row = BAR.height + 10
  return (
    <svg width={420} height={releases.days.length * row + 4} viewBox={`0 0 420 ${releases.days.length * row + 4}`}>
      {releases.days.map((day, index) => {
        let x = 110
        return (
          <g key={day.date}>
            <text x={0} y={index * row + 14}>
              {dayOf(day.date)}
            </text>
            {day.sources.map(({ source, heldNano }) => {
              const width = (heldNano / highest) * BAR.width
              const from = x
              x += width
              return (
                <rect
                  key={source}
                  x={from}
                  y={index * row + 4}
                  width={width}
                  height={BAR.height}
                  fill={colourOf(places.get(source) ?? 0)}
                  fillOpacity="0.35"
                  stroke={colourOf(places.get(source) ?? 0)}
                />
              )
            })}
            <text x={416} y={index * row + 14} textAnchor="end">
              {amount(sumOf(day), unit)}
            </text>
          </g>
        )
      })}
    </svg>
  )
}

/** The jobs released next, one by one. */
function NextJobs() {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const now = useNow()
  const held = useQuery(rpc.earnings.held.queryOptions({ input: { venueId }, refetchInterval: READ_AGAIN_MS }))
  const rows = (held.data ?? []).toSorted((a, b) => a.releaseAt - b.releaseAt).slice(0, NEXT_SHOWN)
  if (rows.length === 0) return null
  return (
    <details className="foot">
      <summary>The next {rows.length} jobs</summary>
      <ul className="timeline num">
        {rows.map((row) => (
          <li key={row.jobId}>
            <time dateTime={new Date(row.releaseAt).toISOString()} title={moment(row.releaseAt)}>
              {until(row.releaseAt, now)}
            </time>
            <Link to="/jobs" search={{ job: row.jobId }}>
              {row.jobId.slice(0, 12)}…
            </Link>
            <span>{amount(row.amountNano, unit)}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

export function ReleasesCard({ grades }: { grades: readonly string[] }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const picture = useRef<HTMLDivElement>(null)
  const releases = useQuery(
    rpc.earnings.releases.queryOptions({ input: { venueId, zone: viewerZone() }, refetchInterval: READ_AGAIN_MS }),
  )
  const instruments = useQuery(rpc.market.instruments.queryOptions({ input: { venueId } }))
  const hold = holdSentence(instruments.data?.[0]?.holdMs)
  const places = new Map(grades.map((grade, place) => [grade, place]))
  const isEmpty = releases.data === undefined || (releases.data.days.length === 0 && releases.data.laterNano === 0)
  return (
    <Card
      title="When is held money released?"
      aside={
        !isEmpty && (
          <ChartTools
            fileName="stoker-held-by-release"
            what="held money"
            picture={picture}
            onCsv={() =>
              releases.data !== undefined &&
              saveText('stoker-held-by-release.csv', 'text/csv', csvOf(releases.data, unit.code))
            }
          />
        )
      }
    >
      <Loaded query={releases}>
        {(data) =>
          isEmpty ? (
            <Empty title="Nothing is held.">{hold}</Empty>
          ) : (
            <>
              <Calendar releases={data} places={places} unit={unit} />
              <div ref={picture} className="out-of-sight earn-plot" aria-hidden="true">
                <Picture releases={data} places={places} unit={unit} />
              </div>
              <NextJobs />
              <p className="foot">
                Days of {data.zone}. {hold}
              </p>
            </>
          )
        }
      </Loaded>
    </Card>
  )
}
