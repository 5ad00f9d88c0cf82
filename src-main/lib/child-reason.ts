/** Why the embedded exchange is not there, for its owner: what its supervisor knows, and what it stated itself. */
import { because, said, type Reason } from '#contract/reasons.ts'

import type { ChildEnd, ChildState } from './supervise.ts'

/** Of one end: what it stated, else its last words. */
export const endReason = (end: ChildEnd | null, stated: Reason | null): Reason =>
  stated ?? (end === null || end.words === '' ? because('exchangeHost.seeWhy') : said(end.words))

/** Null while it is there, or is on its way as usual. */
export function whyAway(state: ChildState, stated: Reason | null): Reason | null {
  switch (state.kind) {
    case 'busy':
      return because('exchangeHost.busy', { text: state.text })
    case 'backoff':
      return because('exchangeHost.again', { why: endReason(state.last, stated) })
    case 'givenUp':
      return because('exchangeHost.failed', { why: endReason(state.last, stated) })
    default:
      return null
  }
}
