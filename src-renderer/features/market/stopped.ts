import type { Listing } from '#contract/market.ts'

/** Stoker itself took it out of the market; its owner may end that by hand. */
export const isStopped = ({ state, stopped }: Pick<Listing, 'state' | 'stopped'>): boolean =>
  state === 'waiting' && stopped !== null
