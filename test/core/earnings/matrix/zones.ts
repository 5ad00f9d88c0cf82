/** The zones of the matrix, and in each the two moments of 2026 at which something is easily lost or doubled. */
export interface MatrixZone {
  zone: string
  /** Where clocks are changed: the first instant of the new offset. Elsewhere the ends of two months. */
  moments: readonly { what: string; at: number; changesClocks: boolean }[]
}

const changes = (spring: string, autumn: string): MatrixZone['moments'] => [
  { what: 'clocks forward', at: Date.parse(spring), changesClocks: true },
  { what: 'clocks back', at: Date.parse(autumn), changesClocks: true },
]
const monthEnds = (winter: string, summer: string): MatrixZone['moments'] => [
  { what: 'year’s end', at: Date.parse(winter), changesClocks: false },
  { what: 'end of February', at: Date.parse(summer), changesClocks: false },
]

export const MATRIX_ZONES: readonly MatrixZone[] = [
  { zone: 'Europe/Berlin', moments: changes('2026-03-29T01:00Z', '2026-10-25T01:00Z') },
  { zone: 'America/New_York', moments: changes('2026-03-08T07:00Z', '2026-11-01T06:00Z') },
  { zone: 'Australia/Sydney', moments: changes('2026-10-03T16:00Z', '2026-04-04T16:00Z') },
  { zone: 'Asia/Kolkata', moments: monthEnds('2025-12-31T18:30Z', '2026-02-28T18:30Z') },
  { zone: 'Asia/Kathmandu', moments: monthEnds('2025-12-31T18:15Z', '2026-02-28T18:15Z') },
  { zone: 'Australia/Lord_Howe', moments: changes('2026-10-03T15:30Z', '2026-04-04T15:00Z') },
  { zone: 'America/St_Johns', moments: changes('2026-03-08T05:30Z', '2026-11-01T04:30Z') },
  { zone: 'UTC', moments: monthEnds('2026-01-01T00:00Z', '2026-03-01T00:00Z') },
]

/** When it is looked at: around each moment, and the day after. */
export const LOOKS: readonly { label: string; after: number }[] = [
  { label: '15 min before', after: -900_000 },
  { label: '1 ms before', after: -1 },
  { label: 'at it', after: 0 },
  { label: '1 h after', after: 3_600_000 },
  { label: '26 h after', after: 26 * 3_600_000 },
]
