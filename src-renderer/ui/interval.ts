/**
 * The interval shown beside a share of right answers: every g with ln B(k+½, n−k+½) − ln π − k·ln g − (n−k)·ln(1−g) <
 * ln 20 (docs/exam.md, Verdict). Valid at whatever moment one looks, which a fixed-n interval is not.
 */
const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
] as const

/** ln Γ(x) for x > 0. */
function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x)
  const y = x - 1
  const t = y + LANCZOS.length - 0.5
  const sum = LANCZOS.reduce((total, c, index) => total + c / (y + index + 1), 0.9999999999998099)
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum)
}

function edge(inside: number, outside: number, holds: (g: number) => boolean): number {
  let [a, b] = [inside, outside]
  for (let step = 0; step < 60; step += 1) {
    const middle = (a + b) / 2
    if (holds(middle)) a = middle
    else b = middle
  }
  return a
}

/** Lower and upper end for k right of n; the whole of 0..1 while nothing was asked. */
export function anytimeInterval(k: number, n: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const lnB = lnGamma(k + 0.5) + lnGamma(n - k + 0.5) - lnGamma(n + 1)
  const holds = (g: number): boolean =>
    lnB - Math.log(Math.PI) - (k === 0 ? 0 : k * Math.log(g)) - (n === k ? 0 : (n - k) * Math.log(1 - g)) < Math.log(20)
  const share = Math.min(1 - 1e-12, Math.max(1e-12, k / n))
  return { low: holds(0) ? 0 : edge(share, 0, holds), high: holds(1) ? 1 : edge(share, 1, holds) }
}
