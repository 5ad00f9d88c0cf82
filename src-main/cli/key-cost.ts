/** What a new key costs, in words, before it is made. */
import type { FolderHistory, VenueHistory } from '#core/identity/index.ts'

import { amount, many } from './amounts.ts'

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)

function venueLines(
  { venueId, unit, receipts, claims, pendingNano, heldNano, qualifications }: VenueHistory,
  old: string,
): string[] {
  const lines: string[] = []
  for (const { instrument, validUntil, supplier } of qualifications)
    if (supplier === null || supplier === old)
      lines.push(`  the grade ${instrument}, won until ${day(validUntil)}: it is the old key’s; take the exam again`)
  if (heldNano > 0)
    lines.push(
      `  ${amount(heldNano, unit)} held: settled, not released yet; the exchange releases it to the old key only, so it stays held here until that key is back (stoker key import)`,
    )
  if (claims > 0)
    lines.push(
      `  ${many(claims, 'claim', 'claims')} of ${amount(pendingNano, unit)} not answered yet: only the old key can hand them in; after 7 days they are given up`,
    )
  lines.push(
    `  ${many(receipts, 'receipt stays', 'receipts stay')} in the books as proof under the old key; the new one begins with number 1`,
  )
  return lines.length === 0 ? [] : [`On ${venueId}:`, ...lines]
}

export function costLines({ keys, venues }: FolderHistory, current: string | null): string[] {
  if (venues.length === 0)
    return ['Nothing was sold and no exam was taken in this folder: a new key costs nothing here.']
  const old = current ?? keys[0] ?? 'that is gone'
  return [
    `A new key makes this rig another supplier to every exchange. The history here belongs to the key ${old}.`,
    'What that costs:',
    ...venues.flatMap((venue) => venueLines(venue, old)),
    current === null
      ? 'The old key is not here. Look for it first: a copy (stoker restore), an export (stoker key import), seller.key of an older folder.'
      : 'The old key stays in the folder beside the new one, and can be put back.',
  ]
}
