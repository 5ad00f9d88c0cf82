/** English: reasons that are told and never thrown. */
import type { sellerReasons } from '#contract/reasons/seller-reasons.ts'

export const sellerReasonWords: Record<keyof typeof sellerReasons, string> = {
  text: '{text}',
  'failure.unknown': 'unknown',
}
