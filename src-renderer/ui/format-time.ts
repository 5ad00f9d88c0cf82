/** Times and durations in words and digits: local on screen with the zone named, 24-hour clock. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#contract/time.ts'

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const hourFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const momentFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const zoneFormat = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })

/** `14:02:11`, local. */
export const clock = (at: number): string => clockFormat.format(at)
/** `14:02`, local. */
export const hour = (at: number): string => hourFormat.format(at)
/** `21 Nov`, local. */
export const day = (at: number): string => dayFormat.format(at)
/** The viewer's zone as people write it: `GMT`, `CET`, `GMT+5:30`. */
export const zone = (at: number): string =>
  zoneFormat.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'local'
/** `21 Nov 2026, 14:02:11 CET`. */
export const moment = (at: number): string => `${momentFormat.format(at)} ${zone(at)}`

/** A duration, at most two units: `412 ms`, `1.08 s`, `1 min 40 s`, `3 h 12 min`, `23 days`. */
export function duration(ms: number): string {
  const size = Math.max(0, ms)
  if (size < SECOND_MS) return `${Math.round(size)} ms`
  if (size < MINUTE_MS && size % SECOND_MS === 0) return `${size / SECOND_MS} s`
  if (size < 10 * SECOND_MS) return `${(size / SECOND_MS).toFixed(2)} s`
  if (size < MINUTE_MS) return `${(size / SECOND_MS).toFixed(1)} s`
  if (size < HOUR_MS) return pair(size, MINUTE_MS, 'min', SECOND_MS, 's')
  if (size < 2 * DAY_MS) return pair(size, HOUR_MS, 'h', MINUTE_MS, 'min')
  return `${Math.floor(size / DAY_MS)} days`
}

function pair(ms: number, unit: number, name: string, part: number, partName: string): string {
  const whole = Math.floor(ms / unit)
  const rest = Math.floor((ms % unit) / part)
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${partName}`
}

/** How long ago, coarse on purpose: `now`, `4 s ago`, `3 min ago`, `2 h ago`, `5 days ago`. */
export function age(at: number, now: number): string {
  const ms = now - at
  if (ms < SECOND_MS) return 'now'
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s ago`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ago`
  return `${Math.floor(ms / DAY_MS)} days ago`
}

/** How long until, the other way round: `in 12 s`; `now` once it has passed. */
export function until(at: number, now: number): string {
  const ms = at - now
  if (ms <= 0) return 'now'
  if (ms < MINUTE_MS) return `in ${Math.ceil(ms / SECOND_MS)} s`
  return `in ${duration(ms)}`
}

/** The viewer's time zone by its IANA name, as the core wants it; UTC where the browser does not know. */
export function viewerZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  // What ICU calls a zone it cannot tell; nobody's calendar knows it.
  return timeZone === undefined || timeZone === 'Etc/Unknown' ? 'UTC' : timeZone
}
