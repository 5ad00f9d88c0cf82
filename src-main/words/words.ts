/** Reasons in words: ICU messages of one catalogue, with numbers and lists as the locale writes them. */
import { IntlMessageFormat } from 'intl-messageformat'

import type { Reason, ReasonCode } from '#contract/reasons.ts'

import type { Catalogue } from './catalogue.ts'
import { english } from './en/english.ts'

/** Says a reason, the reasons within it first. */
export type Words = (reason: Reason) => string

export function createWords(locale: string, catalogue: Catalogue): Words {
  const formats = new Map<ReasonCode, IntlMessageFormat>()
  const formatOf = (code: ReasonCode): IntlMessageFormat => {
    const known = formats.get(code)
    if (known !== undefined) return known
    // Angle brackets are text here (`<certificate file>`), not tags.
    const made = new IntlMessageFormat(catalogue[code], locale, undefined, { ignoreTag: true })
    formats.set(code, made)
    return made
  }
  const words: Words = ({ code, params }) =>
    String(
      formatOf(code).format(
        Object.fromEntries(
          Object.entries(params).map(([name, param]) => [name, typeof param === 'object' ? words(param) : param]),
        ),
      ),
    )
  return words
}

export const englishWords: Words = createWords('en', english)
