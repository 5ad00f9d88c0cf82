/**
 * Times and durations in words and digits: local on screen with the zone named, dates as the viewer's locale writes
 * them, a 24-hour clock everywhere.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#contract/time.ts'

import { perLocale } from './locale.ts'
import { fixed } from './number-format.ts'
import { t } from './say.ts'

const formats = perLocale((locale) => {
  const of = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { hourCycle: 'h23', ...options })
  const clockTime = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
  const date = { day: 'numeric', month: 'short', year: 'numeric' } as const
  return {
    clock: of(clockTime),
    hour: of({ hour: '2-digit', minute: '2-digit' }),
    day: new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }),
    moment: of({ ...date, ...clockTime }),
    zone: new Intl.DateTimeFormat(locale, { timeZoneName: 'short' }),
  }
})

/** `14:02:11`, local. */
export const clock = (at: number): string => formats().clock.format(at)
/** `14:02`, local. */
export const hour = (at: number): string => formats().hour.format(at)
/** `21 Nov`, local. */
export const day = (at: number): string => formats().day.format(at)
/** The viewer's zone as people write it: `GMT`, `CET`, `GMT+5:30`. */
export const zone = (at: number): string =>
  formats()
    .zone.formatToParts(at)
    .find((part) => part.type === 'timeZoneName')?.value ?? 'local'
/** `21 Nov 2026, 14:02:11 CET`. */
export const moment = (at: number): string => `${formats().moment.format(at)} ${zone(at)}`

/** A duration, at most two units: `412 ms`, `1.08 s`, `1 min 40 s`, `3 h 12 min`, `23 days`. */
export function duration(ms: number): string {
  const size = Math.max(0, ms)
  if (size < SECOND_MS) return `${Math.round(size)} ms`
  if (size < MINUTE_MS && size % SECOND_MS === 0) return `${size / SECOND_MS} s`
  if (size < 10 * SECOND_MS) return `${fixed(size / SECOND_MS, 2)} s`
  if (size < MINUTE_MS) return `${fixed(size / SECOND_MS, 1)} s`
  if (size < HOUR_MS) return pair(size, MINUTE_MS, 'min', SECOND_MS, 's')
  if (size < 2 * DAY_MS) return pair(size, HOUR_MS, 'h', MINUTE_MS, 'min')
  return t('duration.days', { n: Math.floor(size / DAY_MS) })
}

function pair(ms: number, unit: number, name: string, part: number, partName: string): string {
  const whole = Math.floor(ms / unit)
  const rest = Math.floor((ms % unit) / part)
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${partName}`
}

/** How long ago, coarse on purpose: `now`, `4 s ago`, `3 min ago`, `2 h ago`, `5 days ago`. */
export function age(at: number, now: number): string {
  const ms = now - at
  if (ms < SECOND_MS) return t('age.now')
  if (ms < MINUTE_MS) return t('age.seconds', { n: Math.floor(ms / SECOND_MS) })
  if (ms < HOUR_MS) return t('age.minutes', { n: Math.floor(ms / MINUTE_MS) })
  if (ms < 2 * DAY_MS) return t('age.hours', { n: Math.floor(ms / HOUR_MS) })
  return t('age.days', { n: Math.floor(ms / DAY_MS) })
}

/** How long until, the other way round: `in 12 s`; `now` once it has passed. */
export function until(at: number, now: number): string {
  const ms = at - now
  if (ms <= 0) return t('age.now')
  if (ms < MINUTE_MS) return t('until.seconds', { n: Math.ceil(ms / SECOND_MS) })
  return t('until.other', { duration: duration(ms) })
}

/** The viewer's time zone by its IANA name, as the core wants it; UTC where the browser does not know. */
export function viewerZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  // What ICU calls a zone it cannot tell; nobody's calendar knows it.
  return timeZone === undefined || timeZone === 'Etc/Unknown' ? 'UTC' : timeZone
}
