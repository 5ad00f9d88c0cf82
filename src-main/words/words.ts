/** Reasons in words: ICU messages of one catalogue, with numbers and lists as the locale writes them. */
import { IntlMessageFormat, type Formatters } from 'intl-messageformat'

import type { Reason, ReasonCode, ReasonParam } from '#contract/reasons.ts'

import type { Catalogue } from './catalogue.ts'
import { english } from './en/english.ts'

/** Says a reason, the reasons within it first. */
export type Words = (reason: Reason) => string

/** A sentence inside a sentence gives up its full stop where the outer one has its own or goes on. */
const inside = (message: string, name: string, text: string): string =>
  new RegExp(`\\{${name}\\}[.);,]`).test(message) ? text.replace(/\.$/, '') : text

/** Plurals by the rules of the catalogue's language; numbers and dates as `locale` writes them. */
export function createWords(language: string, catalogue: Catalogue, locale: string = language): Words {
  const formatters: Formatters = {
    getNumberFormat: (_, options) => new Intl.NumberFormat(locale, options),
    getDateTimeFormat: (_, options) => new Intl.DateTimeFormat(locale, options),
    getPluralRules: (locales, options) => new Intl.PluralRules(locales, options),
  }
  const formats = new Map<ReasonCode, IntlMessageFormat>()
  const formatOf = (code: ReasonCode): IntlMessageFormat => {
    const known = formats.get(code)
    if (known !== undefined) return known
    // Angle brackets are text here (`<certificate file>`), not tags.
    const made = new IntlMessageFormat(catalogue[code], language, undefined, { ignoreTag: true, formatters })
    formats.set(code, made)
    return made
  }
  const words: Words = ({ code, params }) => {
    const message = catalogue[code]
    const said = ([name, param]: [string, ReasonParam]): [string, string | number] =>
      typeof param === 'object' ? [name, inside(message, name, words(param))] : [name, param]
    return String(formatOf(code).format(Object.fromEntries(Object.entries(params).map(said))))
  }
  return words
}

export const englishWords: Words = createWords('en', english)
