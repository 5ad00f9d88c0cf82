/**
 * Numbers as people type them. The locale's decimal sign is taken at its word; `1,234` where the comma groups may be a
 * thousand or one and a bit, and money is too dear to guess: both readings are offered.
 */
import { numberSigns } from './number-format.ts'

/** Texts are plain decimals: `1234.5`. */
export type NumberReading =
  | { kind: 'number'; text: string }
  | { kind: 'ambiguous'; texts: readonly [string, string] }
  | { kind: 'none' }

const NONE: NumberReading = { kind: 'none' }
const number = (text: string): NumberReading => ({ kind: 'number', text: text.startsWith('.') ? `0${text}` : text })

/** Full-width digits, point and comma, as input methods for Chinese and Japanese write them, in their usual width. */
const halfWidth = (typed: string): string =>
  typed.replaceAll(/[\uFF0C\uFF0E\uFF10-\uFF19]/g, (sign) => String.fromCodePoint(sign.codePointAt(0)! - 0xfee0))

/** Digits as ASCII, the locale's decimal sign as D, any other sign that separates as G; null for anything else. */
function shapeOf(typed: string): string | null {
  const { decimal, digits } = numberSigns()
  let shape = ''
  // Spaces and apostrophes only ever group.
  for (const sign of halfWidth(typed)
    .trim()
    .replaceAll(/(?<=\p{Nd})[\s'’](?=\p{Nd})/gu, '')) {
    const digit = digits.indexOf(sign)
    if (/[0-9]/.test(sign)) shape += sign
    else if (digit >= 0) shape += digit
    else if (sign === decimal) shape += 'D'
    else if (/[.,٫٬]/.test(sign)) shape += 'G'
    else return null
  }
  return shape
}

export function readNumber(typed: string): NumberReading {
  const shape = shapeOf(typed)
  if (shape === null || !/\d/.test(shape)) return NONE
  const plain = shape.replaceAll(/[DG]/g, '')
  if (plain === shape) return number(shape)
  // Half typed: `1.` on the way to `1.5`.
  if (/^\d+[DG]$/.test(shape)) return number(shape.slice(0, -1))
  if (/^\d*D\d+$/.test(shape)) return number(shape.replace('D', '.'))
  if (/^[1-9]\d{0,2}G\d{3}$/.test(shape)) return { kind: 'ambiguous', texts: [plain, shape.replace('G', '.')] }
  if (/^\d*G\d+$/.test(shape)) return number(shape.replace('G', '.'))
  // Several of one sign group; one of the other at the end is the decimal sign.
  const grouped = /^[1-9]\d{0,2}(?:(?:G\d{3})+(?:D\d+)?|(?:D\d{3})+(?:G\d+)?)$/.exec(shape)
  if (grouped === null) return NONE
  const last = /[DG]\d+$/.exec(shape)!
  const signs = new Set(shape.match(/[DG]/g))
  return signs.size === 1
    ? number(plain)
    : number(`${shape.slice(0, last.index).replaceAll(/[DG]/g, '')}.${last[0].slice(1)}`)
}

/** A plain decimal as one types it here: the locale's decimal sign, nothing that groups. */
export const typeable = (plain: string): string => plain.replace('.', numberSigns().decimal)
