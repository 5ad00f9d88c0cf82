/** Tokens per second over the last two seconds, in eight buckets of a quarter each. */

const BUCKET_MS = 250
const BUCKETS = 8

export interface TokenRate {
  add(tokens: number): void
  perSecond(): number
}

export function createTokenRate(mono: () => number): TokenRate {
  const counts = new Float64Array(BUCKETS)
  let current = Math.floor(mono() / BUCKET_MS)
  const roll = (): void => {
    const now = Math.floor(mono() / BUCKET_MS)
    for (let passed = 1; passed <= Math.min(now - current, BUCKETS); passed += 1)
      counts[(current + passed) % BUCKETS] = 0
    current = Math.max(current, now)
  }
  return {
    add(tokens) {
      roll()
      counts[current % BUCKETS]! += tokens
    },
    perSecond() {
      roll()
      return counts.reduce((sum, count) => sum + count, 0) / ((BUCKETS * BUCKET_MS) / 1_000)
    },
  }
}
