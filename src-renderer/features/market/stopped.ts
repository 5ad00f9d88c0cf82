import type { Listing } from '#contract/market.ts'

/** Stoker itself took it out of the market; its owner may end that by hand. */
export const isStopped = ({ state, slotsWhy }: Pick<Listing, 'state' | 'slotsWhy'>): boolean =>
  state === 'waiting' && slotsWhy?.code.startsWith('breaker.') === true
