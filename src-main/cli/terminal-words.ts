/** Reasons in words for a terminal: in its language where there is a catalogue of it (LANG, LC_ALL), else in English. */
import type { Reason } from '#contract/reasons.ts'
import { wordsFor } from '#words/languages.ts'

const words = wordsFor(new Intl.DateTimeFormat().resolvedOptions().locale)

export const say = (reason: Reason): string => words.say(reason)
