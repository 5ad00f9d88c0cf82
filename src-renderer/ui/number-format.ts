/** How the viewer's locale writes numbers: digits, decimal sign, groups. Exact: text in, text out, no float between. */
import { perLocale } from './locale.ts'

const formats = perLocale(() => new Map<string, Intl.NumberFormat>())

function formatOf(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const known = formats()
  const key = JSON.stringify(options)
  const found = known.get(key) ?? new Intl.NumberFormat(locale, options)
  known.set(key, found)
  return found
}
const here = perLocale((locale) => (options: Intl.NumberFormatOptions) => formatOf(locale, options))

/** With exactly so many decimals. */
export const fixed = (value: number, digits: number): string =>
  here()({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)

/** With so many significant digits. */
export const significant = (value: number, digits: number): string =>
  here()({ minimumSignificantDigits: digits, maximumSignificantDigits: digits }).format(value)

/** A plain decimal (`1234.50`, no sign) with the locale's digits and signs, every decimal kept. */
export function localised(plain: string): string {
  const digits = plain.split('.')[1]?.length ?? 0
  return here()({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(plain as `${number}`)
}

/** The same with the sign of a currency where the locale puts it; its decimals are those of the text. */
export function localisedSum(plain: string, currency: string): string {
  const digits = plain.split('.')[1]?.length ?? 0
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits } as const
  return here()({ style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...options }).format(
    plain as `${number}`,
  )
}

export interface NumberSigns {
  decimal: string
  /** Digits 0 to 9. */
  digits: readonly string[]
}

export const numberSigns = perLocale((locale): NumberSigns => {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5)
  const digit = new Intl.NumberFormat(locale, { useGrouping: false })
  return {
    decimal: parts.find(({ type }) => type === 'decimal')?.value ?? '.',
    digits: Array.from({ length: 10 }, (_, value) => digit.format(value)),
  }
})
