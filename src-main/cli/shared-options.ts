/** Options shared by commands, parsed to the types they mean. */
import { InvalidArgumentError } from 'commander'

import { SEED_PATTERN } from '#exam/generate-items.ts'
import { defaultDataDir } from '#server/data-dir.ts'

export const DATA_OPTION = ['--data <dir>', 'the data folder', defaultDataDir()] as const

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
