/**
 * What a clock on the wall of a zone shows, by `Intl` alone: the tests' own reckoning, which shares nothing with the
 * calendar of the core. Slow, and asked quarter hour by quarter hour.
 */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  })
  formats.set(zone, made)
  return made
}

export interface LocalParts {
  /** `2026-11` */
  month: string
  /** `2026-11-21` */
  day: string
  /** `2026-11-21 13 GMT+01:00`: a repeated hour is told by its offset. */
  hour: string
  /** `2026-11-21T13:15:00+01:00` */
  text: string
}

export function localParts(at: number, zone: string): LocalParts {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'timeZoneName', string>
  const month = `${parts.year}-${parts.month}`
  const day = `${month}-${parts.day}`
  const offset = parts.timeZoneName === 'GMT' ? '+00:00' : parts.timeZoneName.slice(3)
  return {
    month,
    day,
    hour: `${day} ${parts.hour} ${parts.timeZoneName}`,
    text: `${day}T${parts.hour}:${parts.minute}:${parts.second}${offset}`,
  }
}
