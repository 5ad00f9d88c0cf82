/** Natural logarithms of the gamma and beta functions for positive arguments. */

/** Below this the recurrence lnΓ(x) = lnΓ(x+1) − ln x lifts x to where the series is exact to about 1e-15. */
const SERIES_FROM = 10
const HALF_LN_2_PI = 0.5 * Math.log(2 * Math.PI)
/** B_2j / (2j·(2j−1)) for j = 1, 2, …: 1/12, −1/360, 1/1260, −1/1680, 1/1188, −691/360360, 1/156. */
const COEFFICIENTS = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156] as const

/**
 * lnΓ(x), x > 0, by Stirling's series. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.40 and
 * 6.1.41.
 */
export function lnGamma(x: number): number {
  if (!(x > 0)) throw new RangeError('lnGamma takes a positive number')
  let lifted = x
  let shift = 0
  while (lifted < SERIES_FROM) {
    shift += Math.log(lifted)
    lifted += 1
  }
  const inverse = 1 / lifted
  const squared = inverse * inverse
  let power = inverse
  let series = 0
  for (const coefficient of COEFFICIENTS) {
    series += coefficient * power
    power *= squared
  }
  return (lifted - 0.5) * Math.log(lifted) - lifted + HALF_LN_2_PI + series - shift
}

/** ln B(a, b) = lnΓ(a) + lnΓ(b) − lnΓ(a + b), a and b above 0. */
export const lnBeta = (a: number, b: number): number => lnGamma(a) + lnGamma(b) - lnGamma(a + b)
