import { age, clock, moment } from './format-time.ts'
import { useNow } from './use-now.ts'

/** How old a value is; past `staleMs` it says "as of" with the clock, so that nobody takes it for the present. */
export function Age({
  at,
  staleMs = Number.POSITIVE_INFINITY,
  prefix = '',
}: {
  at: number
  staleMs?: number
  prefix?: string
}) {
  const now = useNow()
  const stale = now - at > staleMs
  return (
    <time className="age num" dateTime={new Date(at).toISOString()} title={moment(at)}>
      {stale ? `as of ${clock(at)}, ${age(at, now)}` : `${prefix}${age(at, now)}`}
    </time>
  )
}
