/** A language's messages, ICU MessageFormat: one for every reason of the contract and every text of the screens. */
import type { ReasonCode } from '#contract/reasons.ts'

import type { TextKey } from './texts/texts.ts'

export interface Catalogue {
  reasons: Readonly<Record<ReasonCode, string>>
  texts: Readonly<Record<TextKey, string>>
}
