/** Room for the figures beside a chart, in CSS pixels: it grows with the size of the text. */
export const axisWidth = (): number => Math.round(4.7 * (Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 14))
