/** Seeded randomness: the same seed gives the same prompts and the same traces on every machine. */

export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number from `low` to `high`, both possible. */
  between(low: number, high: number): number
  /** Log-uniform whole number: small ones are as likely as large ones, by their order of size. */
  spread(low: number, high: number): number
  /** Exponential with this mean: the gaps of arrivals that know nothing of each other. */
  gap(mean: number): number
  pick<T>(from: readonly T[]): T
}

/** FNV-1a, to make a seed of a text. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193)
  return hash >>> 0
}

/** Mulberry32 (public domain, Tommy Ettinger). */
export function createRandom(seed: string): Random {
  let state = seedOf(seed)
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    spread: (low, high) => Math.round(Math.exp(Math.log(low) + next() * (Math.log(high) - Math.log(low)))),
    gap: (mean) => -Math.log(1 - next()) * mean,
    pick: (from) => from[between(0, from.length - 1)]!,
  }
}
