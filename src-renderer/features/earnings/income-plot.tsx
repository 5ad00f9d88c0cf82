/**
 * Earned above the axis, electricity below it, net as a tick: drawn as one path a series, so that a hundred buckets cost
 * what ten do. Arrow keys walk over the buckets and say them.
 */
import { useId, useMemo, useState, type KeyboardEvent, type PointerEvent } from 'react'

import { axisWidth } from '#ui/axis.ts'
import { colourOf, type IncomeSource, tickLabel } from '#ui/chart-data.ts'
import { POWER, unitWord } from '#ui/format.ts'

import { MarkLane, markRows } from './mark-lane.tsx'
import { type PlotColumn, runningSums } from './plot-data.ts'
import type { PlotProps } from './plot-props.ts'
import { PlotTip, tipText } from './plot-tip.tsx'
import { bandsOf, type Frame, labelledOf, lineOf, scalesOf, type Scales, shapesOf } from './plot-shape.ts'
import { useWidth } from './use-width.ts'

const HEIGHT = 300
/** Width of a time label with its air, in rem. */
const LABEL_REM = 5.2
const remOf = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 14

function Axis({
  scales,
  frame,
  unit,
  powerCurrency,
  one,
}: { scales: Scales; frame: Frame } & Pick<PlotProps, 'unit' | 'powerCurrency' | 'one'>) {
  const step = scales.up[1] ?? 1
  const line = (value: number, y: number, text: string) => (
    <g key={`${value}-${y}`}>
      <line
        x1={frame.left}
        x2={frame.width - frame.right}
        y1={y}
        y2={y}
        stroke={value === 0 ? 'var(--edge)' : 'var(--line)'}
      />
      <text x={frame.left - 6} y={y + 4} textAnchor="end">
        {text}
      </text>
    </g>
  )
  return (
    <>
      {scales.up.map((value) => line(value, scales.yUp(value), tickLabel(value, step, unit)))}
      {scales.down.map((value) => line(value, scales.yDown(value), `−${tickLabel(value, one ? step : value, POWER)}`))}
      <text x={0} y={frame.top - 8} textAnchor="start">
        {unitWord(unit)}
        {one ? '' : ` above, ${powerCurrency} of electricity below, on its own scale`}
      </text>
    </>
  )
}

function Hatches({ id, sources }: { id: string; sources: readonly IncomeSource[] }) {
  return (
    <defs>
      {sources.map(({ place }) => (
        <pattern
          key={place}
          id={`${id}-${place}`}
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="5" height="5" fill="var(--panel)" />
          <rect width="2.2" height="5" fill={colourOf(place)} />
        </pattern>
      ))}
    </defs>
  )
}

/** The moment of the answer, as far into its bucket as it is. */
function nowX(columns: readonly PlotColumn[], now: number, frame: Frame): number | null {
  const index = columns.findIndex(({ at, end }) => at <= now && now < end)
  const column = columns[index]
  if (column === undefined || index === columns.length - 1) return null
  const { band } = bandsOf(columns.length, frame)
  return frame.left + (index + (now - column.at) / (column.end - column.at)) * band
}

const POWER_TONES = ['var(--power)', 'var(--edge)', 'var(--faint)', 'var(--mute)'] as const

function Bars({ id, frame, scales, ...plot }: PlotProps & { id: string; frame: Frame; scales: Scales }) {
  const { columns, withNet, byGpu, sources } = plot
  const plain = useMemo(() => (byGpu ? columns : columns.map((column) => ({ ...column, gpus: [] }))), [columns, byGpu])
  const shapes = useMemo(() => shapesOf(plain, scales, frame, withNet), [plain, scales, frame, withNet])
  return (
    <>
      {shapes.off !== '' && <path d={shapes.off} fill="var(--edge)" fillOpacity="0.24" data-series="off" />}
      {shapes.partlyOff !== '' && (
        <path d={shapes.partlyOff} fill="var(--edge)" fillOpacity="0.11" data-series="partly-off" />
      )}
      <Axis scales={scales} frame={frame} unit={plot.unit} powerCurrency={plot.powerCurrency} one={plot.one} />
      {shapes.power.map((path, part) => (
        <path key={part} d={path} fill={POWER_TONES[part % POWER_TONES.length]} data-series="power" />
      ))}
      {sources.map(({ place, source }) => (
        <g key={source} data-source={source}>
          <path d={shapes.solid.get(place) ?? ''} fill={colourOf(place)} data-series="available" />
          <path
            d={shapes.hatched.get(place) ?? ''}
            fill={`url(#${id}-${place})`}
            stroke={colourOf(place)}
            strokeWidth="1"
            data-series="held"
          />
        </g>
      ))}
      {withNet && <path d={shapes.net} stroke="var(--text)" strokeWidth="2.5" fill="none" data-series="net" />}
    </>
  )
}

function Lines({ frame, scales, ...plot }: PlotProps & { frame: Frame; scales: Scales }) {
  const sums = runningSums(plot.columns)
  const count = plot.columns.length
  const line = { fill: 'none', strokeWidth: 2 } as const
  return (
    <>
      <Axis scales={scales} frame={frame} unit={plot.unit} powerCurrency={plot.powerCurrency} one={plot.one} />
      <path
        {...line}
        d={lineOf(
          sums.map((sum) => sum.available),
          count,
          scales.yUp,
          frame,
        )}
        stroke="var(--c1)"
        data-series="available"
      />
      <path
        {...line}
        d={lineOf(
          sums.map((sum) => sum.held),
          count,
          scales.yUp,
          frame,
        )}
        stroke="var(--c1)"
        strokeDasharray="4 4"
        data-series="held"
      />
      <path
        {...line}
        d={lineOf(
          sums.map((sum) => sum.power),
          count,
          scales.yDown,
          frame,
        )}
        stroke="var(--power)"
        data-series="power"
      />
    </>
  )
}

function extentOf({ columns, sums, withNet }: PlotProps): [number, number] {
  if (sums) {
    const last = runningSums(columns).at(-1)
    return [Math.max(last?.available ?? 0, last?.held ?? 0), last?.power ?? 0]
  }
  const deepest = Math.max(
    0,
    ...columns.map((column) => Math.max(column.power ?? 0, withNet ? (column.power ?? 0) - column.earned : 0)),
  )
  return [Math.max(0, ...columns.map(({ earned }) => earned)), deepest]
}

export function IncomePlot(props: PlotProps) {
  const { columns, unit, one, picture, label } = props
  const id = useId().replaceAll(':', '')
  const [box, width] = useWidth<HTMLDivElement>()
  const [at, setAt] = useState<number | null>(null)
  const [highest, deepest] = extentOf(props)
  const rem = remOf()
  const rows = props.sums ? 0 : markRows(props.marks)
  const frame = useMemo<Frame>(
    () => ({
      width,
      height: HEIGHT + rows * rem * 1.3,
      left: 0,
      right: 6,
      top: rem * 1.9 + rows * rem * 1.3,
      bottom: rem * 1.9,
    }),
    [width, rows, rem],
  )
  const scaled = useMemo(() => {
    const scales = scalesOf(highest, deepest, one, frame)
    const step = scales.up[1] ?? 1
    const texts = [
      ...scales.up.map((value) => tickLabel(value, step, unit)),
      ...scales.down.map((value) => `−${tickLabel(value, one ? step : value, POWER)}`),
    ]
    return { scales, frame: { ...frame, left: axisWidth(texts) } }
  }, [highest, deepest, one, frame, unit])
  const present = nowX(columns, props.now, scaled.frame)
  const { band } = bandsOf(columns.length, scaled.frame)
  const column = at === null ? undefined : columns[at]
  const last = columns.findLastIndex(({ begun }) => begun)
  const point = (event: PointerEvent<HTMLDivElement>): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - scaled.frame.left
    const index = Math.floor(x / band)
    setAt(index >= 0 && index <= last ? index : null)
  }
  const walk = (event: KeyboardEvent): void => {
    const from = at ?? last + (event.key === 'ArrowLeft' ? 1 : 0)
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last, Escape: null }[event.key]
    if (to === undefined) return
    event.preventDefault()
    setAt(to === null ? null : Math.max(0, Math.min(last, to)))
  }
  return (
    <figure className="earn-plot" ref={picture} aria-label={label}>
      <div ref={box} style={{ height: frame.height }}>
        {width > 0 && (
          <svg viewBox={`0 0 ${width} ${frame.height}`} width={width} height={frame.height} aria-hidden="true">
            <Hatches id={id} sources={props.sources} />
            {props.sums ? <Lines {...props} {...scaled} /> : <Bars {...props} {...scaled} id={id} />}
            {labelledOf(columns.length, scaled.frame, LABEL_REM * rem).map((index) => (
              <text key={index} x={scaled.frame.left + index * band + 2} y={frame.height - 6}>
                {columns[index]!.label}
              </text>
            ))}
            {present !== null && (
              <line
                x1={present}
                x2={present}
                y1={frame.top}
                y2={frame.height - frame.bottom}
                stroke="var(--ember)"
                strokeDasharray="3 3"
              />
            )}
            {!props.sums && (
              <MarkLane marks={props.marks} columns={columns} frame={scaled.frame} unit={unit} rem={rem} />
            )}
            {at !== null && (
              <rect
                x={scaled.frame.left + at * band}
                y={frame.top}
                width={band}
                height={frame.height - frame.top - frame.bottom}
                fill="var(--edge)"
                fillOpacity="0.14"
              />
            )}
          </svg>
        )}
        <div
          className="plot-walk"
          // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- it lies over the picture and follows the pointer too
          role="slider"
          tabIndex={0}
          aria-label={`${label} Arrow keys say each.`}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, last)}
          aria-valuenow={at ?? Math.max(0, last)}
          aria-valuetext={column === undefined ? 'no bucket chosen' : tipText(column, props)}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setAt(null)}
          onBlur={() => setAt(null)}
          onKeyDown={walk}
        />
        {column !== undefined && at !== null && (
          <PlotTip {...props} column={column} left={scaled.frame.left + (at + 0.5) * band} width={width} />
        )}
      </div>
    </figure>
  )
}
