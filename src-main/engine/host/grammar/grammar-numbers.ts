/** Numbers between bounds as GBNF expressions over their decimal digits. */

const DIGITS_MAX = 15

const digit = (from: string, to: string): string => (from === to ? `"${from}"` : `[${from}-${to}]`)
const anyDigits = (count: number): string => (count === 0 ? '' : ` [0-9]{${count}}`)

/** Numbers of equally many digits, leading zeros included. */
function between(low: string, high: string): string[] {
  const [first, last, rest] = [low[0] ?? '', high[0] ?? '', low.length - 1]
  if (rest === 0) return [digit(first, last)]
  if (first === last) return between(low.slice(1), high.slice(1)).map((tail) => `"${first}" ${tail}`)
  const [zeros, nines] = ['0'.repeat(rest), '9'.repeat(rest)]
  const openLow = low.slice(1) === zeros
  const openHigh = high.slice(1) === nines
  const [from, to] = [openLow ? first : String(Number(first) + 1), openHigh ? last : String(Number(last) - 1)]
  return [
    ...(openLow ? [] : between(low.slice(1), nines).map((tail) => `"${first}" ${tail}`)),
    ...(from <= to ? [`${digit(from, to)}${anyDigits(rest)}`] : []),
    ...(openHigh ? [] : between(zeros, high.slice(1)).map((tail) => `"${last}" ${tail}`)),
  ]
}

/** Whole numbers from `low` (at least 0) to `high`; null is without bound. */
function naturals(low: number, high: number | null): string[] {
  const result: string[] = []
  const longest = high === null ? String(low).length : String(high).length
  for (let length = String(low).length; length <= longest; length += 1) {
    const from = Math.max(low, length === 1 ? 0 : 10 ** (length - 1))
    const to = Math.min(high ?? Number.POSITIVE_INFINITY, 10 ** length - 1)
    if (from <= to) result.push(...between(String(from), String(to)))
  }
  if (high === null && longest < DIGITS_MAX) result.push(`[1-9] [0-9]{${longest},${DIGITS_MAX}}`)
  return result
}

const join = (alternatives: readonly string[]): string | null =>
  alternatives.length === 0 ? null : alternatives.map((one) => `(${one})`).join(' | ')

/** Null when no integer lies between them. Bounds are inclusive integers of at most 15 digits, or null. */
export function integersBetween(low: number | null, high: number | null): string | null {
  const positive = high !== null && high < 0 ? [] : naturals(Math.max(0, low ?? 0), high)
  const negative =
    low !== null && low >= 0
      ? []
      : naturals(Math.max(1, high === null ? 1 : -high), low === null ? null : -low).map((one) => `"-" (${one})`)
  if (low !== null && high !== null && low > high) return null
  return join([...negative, ...positive])
}

interface Bound {
  value: number
  exclusive: boolean
}

/** Away from zero: `near` is the bound nearer to zero, not negative. Decimals without exponent. */
function magnitudes(near: Bound, far: Bound | null): string[] {
  const result: string[] = []
  const open = far === null || near.value < far.value
  if (open) result.push(`"${near.value}" ${near.exclusive ? '"." [0-9]{0,14} [1-9]' : 'fraction?'}`)
  else if (!near.exclusive && far !== null && !far.exclusive && near.value === far.value) result.push(`"${near.value}"`)
  const middle = open ? naturals(near.value + 1, far === null ? null : far.value - 1) : []
  if (far === null || near.value + 1 <= far.value - 1) result.push(...middle.map((one) => `${one} fraction?`))
  if (open && far !== null && !far.exclusive) result.push(`"${far.value}"`)
  return result
}

/**
 * Numbers between bounds; a bound with decimals is moved inwards to the next integer. Null when nothing is left. Uses
 * the rule `fraction`.
 */
export function numbersBetween(low: Bound | null, high: Bound | null): string | null {
  const inwards = (bound: Bound | null, round: (value: number) => number): Bound | null =>
    bound === null || Number.isInteger(bound.value) ? bound : { value: round(bound.value), exclusive: false }
  const [from, to] = [inwards(low, Math.ceil), inwards(high, Math.floor)]
  if (
    from !== null &&
    to !== null &&
    (from.value > to.value || (from.value === to.value && (from.exclusive || to.exclusive)))
  )
    return null
  const mirrored = ({ value, exclusive }: Bound): Bound => ({ value: -value, exclusive })
  const zero = { value: 0, exclusive: false }
  const positive = to !== null && to.value < 0 ? [] : magnitudes(from !== null && from.value >= 0 ? from : zero, to)
  const below = to !== null && to.value <= 0 ? mirrored(to) : { value: 0, exclusive: true }
  const negative =
    from !== null && from.value >= 0
      ? []
      : magnitudes(below, from === null ? null : mirrored(from)).map((one) => `"-" (${one})`)
  return join([...negative, ...positive])
}
