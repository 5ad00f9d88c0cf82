import { expect, it } from 'vitest'

import { CACHE_SCOPE_MAX, OWNER_SCOPE } from '#contract/inference.ts'
import { brandId, type VenueId } from '#contract/ids.ts'
import { venueScope } from '#core/jobs/venue-scope.ts'

it('cannot be the owner’s scope or another venue’s, whatever a venue says', () => {
  const [one, two] = ['practice', 'club'].map((id) => brandId<VenueId>(id))
  const scopes = [one, two].flatMap((venue) => [OWNER_SCOPE, 'buyer', ''].map((said) => venueScope(venue!, said)))
  expect(new Set([...scopes, OWNER_SCOPE]).size).toBe(7)
  expect(venueScope(one!, 'buyer')).toBe(scopes[1])
  expect(Math.max(...scopes.map(({ length }) => length))).toBeLessThanOrEqual(CACHE_SCOPE_MAX)
})
