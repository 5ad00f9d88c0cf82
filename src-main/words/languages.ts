/** Which languages there are, and the words of the one that serves a locale best. */
import type { Catalogue } from './catalogue.ts'
import { english } from './en/english.ts'
import { longWords, rightToLeft } from './pseudo.ts'
import { createWords, type Words, type WordsOptions } from './words.ts'

interface Language {
  /** BCP 47, of its plural rules. */
  tag: string
  direction: 'ltr' | 'rtl'
  catalogue: Catalogue
  shape?: NonNullable<WordsOptions['shape']>
}

/** By BCP 47 tag, or the language alone. A new one is added here: docs/how-to/add-a-language.md. */
const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { tag: 'en', direction: 'ltr', catalogue: english },
  // Pseudo-locales for tests: nobody's browser asks for them.
  'en-XA': { tag: 'en', direction: 'ltr', catalogue: english, shape: longWords },
  'ar-XB': { tag: 'en', direction: 'rtl', catalogue: english, shape: rightToLeft },
}

export interface ViewerWords extends Words {
  /** BCP 47 tag of the language that the words are in. */
  language: string
  direction: 'ltr' | 'rtl'
}

/** English where the locale's language has no catalogue; numbers are written as the locale does in any case. */
export function wordsFor(locale: string): ViewerWords {
  const { tag, direction, catalogue, shape } =
    LANGUAGES[locale] ?? LANGUAGES[new Intl.Locale(locale).language] ?? LANGUAGES['en']!
  return {
    ...createWords(tag, catalogue, { locale, ...(shape === undefined ? {} : { shape }) }),
    language: tag,
    direction,
  }
}
