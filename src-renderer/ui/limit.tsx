/**
 * The one drawing for every spec: a limit is a line, a measurement a dot with its interval. Learnt once, used on home,
 * exam and market. Everything it shows is also said in words beside it, so the drawing itself is hidden from screen
 * readers.
 */
export interface LimitProps {
  /** Ends of the axis in the unit of the values. */
  min: number
  max: number
  limit: number | null
  value: number | null
  low?: number | null
  high?: number | null
  height?: number
}

const clamp = (value: number): number => Math.min(100, Math.max(0, value))

export function LimitTrack({ min, max, limit, value, low = null, high = null, height = 24 }: LimitProps) {
  const at = (x: number): number => clamp(((x - min) / (max - min)) * 100)
  const middle = height / 2
  return (
    <svg className="limit-track" height={height} aria-hidden="true" focusable="false">
      <rect x="0.5" y={middle - 8.5} width="100%" height="17" rx="4" fill="var(--sunk)" stroke="var(--line)" />
      {low !== null && high !== null && (
        <rect
          x={`${at(low)}%`}
          y={middle - 4}
          width={`${Math.max(0.8, at(high) - at(low))}%`}
          height="8"
          rx="4"
          fill="var(--c2)"
          opacity="0.38"
        />
      )}
      {value !== null && <circle cx={`${at(value)}%`} cy={middle} r="5" fill="var(--c2)" />}
      {limit !== null && (
        <svg x={`${at(limit)}%`} y="0" width="2" height={height} overflow="visible">
          <rect x="-1" y="0" width="2" height={height} fill="var(--text)" />
        </svg>
      )}
    </svg>
  )
}

/** What the three marks mean, once per card that uses them. */
export function LimitLegend({ interval = '95 % interval' }: { interval?: string }) {
  return (
    <ul className="legend">
      <li>
        <i style={{ background: 'var(--c2)', borderRadius: 9 }} />
        measured
      </li>
      <li>
        <i style={{ background: 'var(--c2)', opacity: 0.38 }} />
        {interval}
      </li>
      <li>
        <i style={{ background: 'var(--text)', width: 2 }} />
        limit
      </li>
    </ul>
  )
}
