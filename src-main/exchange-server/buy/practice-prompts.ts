/**
 * What the practice buyer asks: items in the style of the exam's first level, and small talk. The same seed asks the
 * same.
 */
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { sha256Hex } from '#lib/canonical.ts'

const SMALL_TALK = [
  'Hello! How are you today?',
  'Say good morning.',
  'Write the word coal in capital letters. Write nothing else.',
  'What is a boiler?',
  'Say thank you.',
  'Name a colour.',
  'Write a short greeting.',
  'Is water wet?',
] as const

/** Uniform integers from a seed: the n-th draw is 48 bits of SHA-256(`seed|n`). */
export class SeededDraws {
  readonly #seed: string
  #count = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  /** 0 … below − 1; the bias of 48 bits is below 10^-9 for small ranges. */
  next(below: number): number {
    this.#count += 1
    return Number.parseInt(sha256Hex(`${this.#seed}|${this.#count}`).slice(0, 12), 16) % below
  }
}

const ITEM_SEED_PREFIX = `${EMBEDDED_VENUE.ownBuyer.id}-`
const ITEMS = 10_000

export function practicePrompt(draws: SeededDraws): string {
  if (draws.next(4) === 0) return SMALL_TALK[draws.next(SMALL_TALK.length)]!
  const family = FAMILIES[draws.next(FAMILIES.length)]!
  return examItem(`${ITEM_SEED_PREFIX}${draws.next(1_000)}`, family, 1, draws.next(ITEMS)).prompt
}
