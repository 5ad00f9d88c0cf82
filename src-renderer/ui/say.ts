/** What the core says in codes, in the viewer's language. */
import { because, checkedReason, type Reason } from '#contract/reasons.ts'
import { wordsFor, type ViewerWords } from '#words/languages.ts'
import type { TextKey, TextParams } from '#words/texts/texts.ts'

import { perLocale, viewerLocale } from './locale.ts'

const words = perLocale(wordsFor)

/** A reason in words. */
export const say = (reason: Reason): string => words().say(reason)

/** A text of a screen. */
export const t = <K extends TextKey>(key: K, ...params: TextParams<K>): string => words().text(key, ...params)

/** Of the words: for the page itself. */
export const viewerLanguage = (): Pick<ViewerWords, 'language' | 'direction'> => words()

/** The same as a sentence of its own: with a capital and a full stop. */
export function sentence(reason: Reason): string {
  const text = say(reason)
  const begun = text.charAt(0).toLocaleUpperCase(viewerLocale()) + text.slice(1)
  return /[.!?\]]$/.test(begun) ? begun : `${begun}.`
}

/** What a failed call says: its reason in words, else what it says itself. */
export function errorText(error: unknown): string {
  const reason = checkedReason((error as { data?: { reason?: unknown } } | null)?.data?.reason)
  if (reason !== null) return say(reason)
  if (error instanceof Error && error.message !== '') return error.message
  return say(because('stoker.failed'))
}
