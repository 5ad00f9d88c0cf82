/** Prompts of a wanted length in tokens, none like another unless wanted. */
import { createRandom, type Random } from './random.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** Two-letter words: one token each in the shapes' vocabulary. */
const word = (random: Random): string => LETTERS[random.between(0, 25)]! + LETTERS[random.between(0, 25)]!

const words = (random: Random, count: number): string => Array.from({ length: count }, () => word(random)).join(' ')

/** Makes prompts of about `tokens` tokens; the token put before every prompt counts. */
export type PromptMaker = (seed: string, tokens: number) => string

/** `tokensPerWord` as the server counts them (1 for the shapes; about 2.6 for nano). */
export const promptMaker =
  (tokensPerWord: number): PromptMaker =>
  (seed, tokens) =>
    words(createRandom(seed), Math.max(1, Math.round((tokens - 1) / tokensPerWord)))

const SAMPLE_WORDS = 200

/** Asks llama-server how many tokens such words are. */
export async function measureTokensPerWord(url: string): Promise<number> {
  const response = await fetch(`${url}/tokenize`, {
    method: 'POST',
    body: JSON.stringify({ content: words(createRandom('sample'), SAMPLE_WORDS) }),
  })
  const { tokens } = (await response.json()) as { tokens: number[] }
  return tokens.length / SAMPLE_WORDS
}
