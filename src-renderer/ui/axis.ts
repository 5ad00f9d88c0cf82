/**
 * Room for the figures beside a chart, in CSS pixels: it grows with the longest of them and with the size of the text.
 */
export function axisWidth(labels: readonly string[]): number {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 14
  const longest = Math.max(4, ...labels.map((label) => label.length))
  // A tabular digit of the axis' text is about half a rem wide.
  return Math.round((longest * 0.51 + 1) * rem)
}
