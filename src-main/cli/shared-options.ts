/** Options shared by commands, parsed to the types they mean. */
import { InvalidArgumentError } from 'commander'

import { brandId, PUBLIC_KEY_PATTERN, VENUE_ID_PATTERN, type PublicKey, type VenueId } from '#contract/ids.ts'
import { SEED_PATTERN } from '#exam/generate-items.ts'
import { defaultDataDir } from '#server/data-dir.ts'

export const DATA_OPTION = ['--data <dir>', 'the data folder', defaultDataDir()] as const

export const YES_OPTION = ['--yes', 'do it without asking'] as const

/** Parses an integer within bounds, for commander. */
export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d{1,12}$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`)
    return value
  }
}

export function seed(text: string): string {
  if (!SEED_PATTERN.test(text)) throw new InvalidArgumentError('A seed is 1 to 64 of A-Z a-z 0-9 . _ -')
  return text
}

export function publicKey(text: string): PublicKey {
  if (!PUBLIC_KEY_PATTERN.test(text))
    throw new InvalidArgumentError('A public key is 43 of A-Z a-z 0-9 _ - as `stoker venue keys` shows it.')
  return brandId<PublicKey>(text)
}

export function venueName(text: string): VenueId {
  if (!VENUE_ID_PATTERN.test(text))
    throw new InvalidArgumentError('A venue’s name is 1 to 32 of a-z 0-9 -, as `stoker status` shows it.')
  return brandId<VenueId>(text)
}

export const VENUE_OPTION = ['--venue <id>', 'which one, where there are several', venueName] as const
