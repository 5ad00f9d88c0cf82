/** Four questions first: how much, from what, how well used, why it changed. Their figures are those of the chart. */
import type { Series, Summary } from '#contract/earnings.ts'
import type { Unit } from '#contract/units.ts'
import { colourOf, type IncomeSource } from '#ui/chart-data.ts'
import { amount, energy, percent, POWER, powerMoney, rate, shortCount, unitWord } from '#ui/format.ts'
import { duration, until } from '#ui/format-time.ts'
import { Tile } from '#ui/page.tsx'
import { useNow } from '#ui/use-now.ts'

import { busyShare, causesOf, type Cause, earnedOf, netOf } from './figures.ts'
import { onePrecision } from './one-precision.ts'
import type { SourceRow } from './source-rows.ts'

interface TilesProps {
  series: Series
  unit: Unit
  sources: readonly IncomeSource[]
  rows: readonly SourceRow[]
  isPart: boolean
  /** The period before, in words. */
  before: string
}

function Lines({ lines }: { lines: readonly (readonly [string, string, string?])[] }) {
  return (
    <dl className="tile-lines num">
      {lines.map(([name, value, swatch]) => (
        <div key={name}>
          <dt>
            {swatch !== undefined && <i style={{ background: swatch }} />}
            {name}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function HowMuch({ summary, unit, isPart }: { summary: Summary; unit: Unit; isPart: boolean }) {
  const now = useNow()
  const net = netOf(summary, unit, isPart)
  const written = onePrecision([summary.grossNano, summary.feeNano, summary.availableNano, summary.heldNano], unit)
  const lines: [string, string][] = [
    ['sold', written(summary.grossNano)],
    ['fee', `−${written(summary.feeNano)}`],
    ...(summary.writtenOffNano === 0
      ? []
      : [['written off', `−${written(summary.writtenOffNano)}`] as [string, string]]),
    ['earned', written(earnedOf(summary))],
    ['of it available', written(summary.availableNano)],
    ['of it held', written(summary.heldNano)],
    [
      `electricity, idle included, ${summary.powerCurrency}`,
      summary.powerNano === null
        ? 'no price set'
        : net === null
          ? amount(summary.powerNano, POWER)
          : `−${written(summary.powerNano)}`,
    ],
  ]
  return (
    <Tile
      question={net === null ? 'How much was earned?' : 'How much is left?'}
      value={amount(net ?? earnedOf(summary), unit)}
      unit={`${unitWord(unit)}${net === null ? '' : ', net'}`}
      foot={`${summary.nextRelease === null ? 'Nothing to release.' : `Next release ${until(summary.nextRelease.at, now)}.`}${summary.pendingNano === 0 ? '' : ` Pending, in no sum: ${amount(summary.pendingNano, unit)}.`}`}
    >
      <Lines lines={lines} />
    </Tile>
  )
}

const SHOWN = 5

function FromWhat({ summary, unit, sources, rows }: TilesProps & { summary: Summary }) {
  const [first] = rows
  const total = earnedOf(summary)
  const placeOf = (source: string): number => sources.find((each) => each.source === source)?.place ?? 0
  const nameOf = (source: string): string => sources.find((each) => each.source === source)?.name ?? source
  const shown = rows.slice(0, rows.length > SHOWN ? SHOWN - 1 : SHOWN)
  const rest = rows.slice(shown.length).reduce((sum, row) => sum + row.earned, 0)
  const tokens = summary.inputTokens + summary.outputTokens
  const written = onePrecision(
    shown.map((row) => row.earned),
    unit,
  )
  return (
    <Tile
      question="From what?"
      value={first === undefined || total === 0 ? '–' : percent(first.earned / total)}
      unit={first === undefined ? 'nothing sold' : nameOf(first.source)}
      foot={
        tokens === 0
          ? undefined
          : `A million tokens brought ${rate(Math.round((summary.grossNano / tokens) * 1e6), unit)} before the fee; ${shortCount(tokens)} tokens in ${shortCount(summary.jobs)} jobs.`
      }
    >
      {total > 0 && (
        <div className="share-bar" aria-hidden="true">
          {rows.map((row) => (
            <i key={row.source} style={{ background: colourOf(placeOf(row.source)), flexGrow: row.earned / total }} />
          ))}
        </div>
      )}
      <Lines
        lines={[
          ...shown.map((row) => [nameOf(row.source), written(row.earned), colourOf(placeOf(row.source))] as const),
          ...(rest === 0 ? [] : [[`${rows.length - shown.length} others`, written(rest)] as const]),
          ['earned', written(total)],
        ]}
      />
    </Tile>
  )
}

function HowWell({ summary }: { summary: Summary }) {
  const share = busyShare(summary)
  const perJob = summary.powerNanoPerJob
  const perMtok = summary.powerNanoPerMtok
  return (
    <Tile
      question="How well used?"
      value={share === null ? '–' : percent(share)}
      unit={share === null ? 'not listed' : 'busy: of the listed time a job ran'}
      foot={
        perJob === null || perMtok === null
          ? `${energy(summary.powerKwh)}, ${summary.powerMethod}`
          : `Electricity above idle: ${powerMoney(perJob, summary.powerCurrency)} a job, ${rate(perMtok, POWER)} a million tokens.`
      }
    >
      <div className="share-bar" aria-hidden="true">
        <i style={{ background: 'var(--ember)', flexGrow: share ?? 0 }} />
        <i style={{ background: 'var(--sunk)', flexGrow: 1 - (share ?? 0) }} />
      </div>
      <Lines
        lines={[
          ['rig on', duration(summary.onMs)],
          ['listed', duration(summary.listedMs)],
          ['a job running', duration(summary.busyMs)],
          ['served, job by job', duration(summary.servedMs)],
          ['energy', energy(summary.powerKwh)],
        ]}
      />
    </Tile>
  )
}

const CAUSES: Readonly<Record<Cause['cause'], string>> = {
  tokens: 'tokens per listed hour',
  price: 'price per million tokens',
  hours: 'hours listed',
  fee: 'fees and write-offs',
  electricity: 'electricity, idle included',
}

function Why({ series, unit, isPart, before }: TilesProps) {
  const { summary, previous } = series
  const net = netOf(summary, unit, isPart)
  const withPower = net !== null && netOf(previous, unit, isPart) !== null
  const causes = causesOf(summary, previous, withPower)
  const value = withPower ? net : earnedOf(summary)
  const was = withPower ? (netOf(previous, unit, isPart) ?? 0) : earnedOf(previous)
  const written = onePrecision([value - was, ...(causes ?? []).map(({ nano }) => nano)], unit)
  const signed = (nano: number): string => `${nano > 0 ? '+' : ''}${written(nano)}`
  const largest = Math.max(1, ...(causes ?? []).map(({ nano }) => Math.abs(nano)))
  return (
    <Tile
      question="Why did it change?"
      value={signed(value - was)}
      unit={`from ${amount(was, unit)} ${unitWord(unit)}${withPower ? ', net' : ''}`}
      foot={
        causes === null
          ? `One of the two periods sold or listed nothing: there is nothing to split.`
          : `Against ${before}${series.at < series.range.to ? ', up to the same point of it' : ''}. The parts sum to the change.`
      }
    >
      <dl className="tile-lines num">
        {(causes ?? []).map(({ cause, nano }) => (
          <div key={cause}>
            <dt>
              {CAUSES[cause]}
              <span className="cause" aria-hidden="true">
                <i className={nano < 0 ? 'less' : ''} style={{ width: `${(Math.abs(nano) / largest) * 50}%` }} />
              </span>
            </dt>
            <dd>{signed(nano)}</dd>
          </div>
        ))}
      </dl>
    </Tile>
  )
}

export function Tiles(props: TilesProps) {
  const { summary } = props.series
  return (
    <div className="grid g4 earnings-tiles">
      <HowMuch summary={summary} unit={props.unit} isPart={props.isPart} />
      <FromWhat {...props} summary={summary} />
      <HowWell summary={summary} />
      <Why {...props} />
    </div>
  )
}
