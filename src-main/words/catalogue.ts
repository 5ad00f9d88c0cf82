/** A language's messages: ICU MessageFormat, one for every reason of the contract. */
import type { ReasonCode } from '#contract/reasons.ts'

export type Catalogue = Readonly<Record<ReasonCode, string>>
