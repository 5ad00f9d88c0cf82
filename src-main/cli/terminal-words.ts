/** Reasons in words for a terminal: in its language where there is a catalogue of it (LANG, LC_ALL), else in English. */
import type { Reason } from '#contract/reasons.ts'
import type { Realm } from '#contract/units.ts'
import { wordsFor } from '#words/languages.ts'

const words = wordsFor(new Intl.DateTimeFormat().resolvedOptions().locale)

export const say = (reason: Reason): string => words.say(reason)

/** What is said of a realm wherever its money is named; the screens say the same. */
export const realmWords = (realm: Realm): string => (realm === 'real' ? 'real money' : words.text(`realm.${realm}`))
