/** Reasons and texts in words: ICU messages of one catalogue, with numbers and dates as the locale writes them. */
import { IntlMessageFormat, type Formatters } from 'intl-messageformat'

import type { Reason, ReasonParam } from '#contract/reasons.ts'

import type { Catalogue } from './catalogue.ts'
import { english } from './en/english.ts'
import type { TextKey, TextParams } from './texts/texts.ts'

export interface Words {
  /** Says a reason, the reasons within it first. */
  say(this: void, reason: Reason): string
  /** A text of a screen. */
  text<K extends TextKey>(this: void, key: K, ...params: TextParams<K>): string
}

export type MessageTree = ReturnType<IntlMessageFormat['getAst']>

export interface WordsOptions {
  /** Writes the numbers and dates; the catalogue's language by default. */
  locale?: string
  /** Applied to every message, as pseudo-locales do. */
  shape?: (message: MessageTree) => MessageTree
}

/**
 * What every message may name beside its own params: `{atData}` follows a command that is to be typed, and is
 * ` --data DIR` where the folder is not the one that commands take by themselves. A process, or a page, is about one folder.
 */
const standing = { atData: '' }
export const STANDING_NAMES = Object.keys(standing)
/** `option` as `dataOption` of lib/data-directory.ts gives it. */
export const commandsAreFor = (option: string): void => void (standing.atData = option)

/** A sentence inside a sentence gives up its full stop where the outer one has its own or goes on. */
const inside = (message: string, name: string, text: string): string =>
  new RegExp(`\\{${name}\\}[.);,]`).test(message) ? text.replace(/\.$/, '') : text

/** Plurals by the rules of the catalogue's language, a BCP 47 tag. */
export function createWords(
  language: string,
  { reasons, texts }: Catalogue,
  { locale = language, shape }: WordsOptions = {},
): Words {
  const formatters: Formatters = {
    getNumberFormat: (_, options) => new Intl.NumberFormat(locale, options),
    getDateTimeFormat: (_, options) => new Intl.DateTimeFormat(locale, options),
    getPluralRules: (locales, options) => new Intl.PluralRules(locales, options),
  }
  // Angle brackets are text here (`<certificate file>`), not tags.
  const options = { ignoreTag: true, formatters }
  const made = new Map<string, IntlMessageFormat>()
  const formatOf = (message: string): IntlMessageFormat => {
    const known = made.get(message)
    if (known !== undefined) return known
    const plain = new IntlMessageFormat(message, language, undefined, options)
    const format =
      shape === undefined ? plain : new IntlMessageFormat(shape(plain.getAst()), language, undefined, options)
    made.set(message, format)
    return format
  }
  const say: Words['say'] = ({ code, params }) => {
    const message = reasons[code]
    const said = ([name, param]: [string, ReasonParam]): [string, string | number] =>
      typeof param === 'object' ? [name, inside(message, name, say(param))] : [name, param]
    return String(formatOf(message).format({ ...standing, ...Object.fromEntries(Object.entries(params).map(said)) }))
  }
  return { say, text: (key, ...[params]) => String(formatOf(texts[key]).format({ ...standing, ...params })) }
}

export const englishWords = createWords('en', english)
