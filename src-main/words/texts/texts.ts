/** The screens' own texts: their keys, and the names of their params. What the core tells is a reason instead. */
import { backupTexts } from './backup-texts.ts'
import { deviceTexts } from './device-texts.ts'
import { homeTexts } from './home-texts.ts'
import { marketTexts } from './market-texts.ts'
import { sharedTexts } from './shared-texts.ts'

export const TEXTS = { ...backupTexts, ...deviceTexts, ...homeTexts, ...marketTexts, ...sharedTexts }

export type TextKey = keyof typeof TEXTS
type NamesOf<K extends TextKey> = (typeof TEXTS)[K][number]
/** Exactly what a text needs; numbers stay numbers where a plural counts them. */
export type TextParams<K extends TextKey> = [NamesOf<K>] extends [never]
  ? []
  : [params: Readonly<Record<NamesOf<K>, string | number>>]
