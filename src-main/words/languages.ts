/** Which languages there are, and the words of the one that serves a locale best. */
import type { Catalogue } from './catalogue.ts'
import { english } from './en/english.ts'
import { createWords, type Words } from './words.ts'

interface Language {
  /** Of its plural rules. */
  tag: string
  catalogue: Catalogue
}

/** By primary language subtag. A new one is added here: docs/how-to/add-a-language.md. */
const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { tag: 'en', catalogue: english },
}

export interface ViewerWords {
  say: Words
  /** BCP 47 tag of the language that the words are in. */
  language: string
}

/** English where the locale's language has no catalogue; numbers are written as the locale does in any case. */
export function wordsFor(locale: string): ViewerWords {
  const { tag, catalogue } = LANGUAGES[new Intl.Locale(locale).language] ?? LANGUAGES['en']!
  return { say: createWords(tag, catalogue, locale), language: tag }
}
