import { age, clock, moment } from './format-time.ts'
import { useNow } from './use-now.ts'
import { t } from './say.ts'

type AgeText = 'age.read' | 'age.since' | 'age.lastChange'

/** How old a value is; past `staleMs` it says "as of" with the clock, so that nobody takes it for the present. */
export function Age({
  at,
  staleMs = Number.POSITIVE_INFINITY,
  words,
}: {
  at: number
  staleMs?: number
  /** A text around the age, such as `read {age}`. */
  words?: AgeText
}) {
  const now = useNow()
  const stale = now - at > staleMs
  return (
    <time className="age num" dateTime={new Date(at).toISOString()} title={moment(at)}>
      {stale
        ? t('age.asOf', { clock: clock(at), age: age(at, now) })
        : words === undefined
          ? age(at, now)
          : t(words, { age: age(at, now) })}
    </time>
  )
}
