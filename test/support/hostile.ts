/**
 * Hostile messages from a seed: broken text, wrong shapes, wrong types in right shapes, absurd sizes. The same seed
 * gives the same messages.
 */

/** Small, fast, seeded; not for secrets. Source: Mulberry32, public domain. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const ODD_STRINGS = [
  '',
  '\u0000',
  '\uD800',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%00',
  'a'.repeat(5_000),
  '\u202Eabc',
  '{}',
  '1e999',
  "'; DROP TABLE jobs; --",
  'practice/text-nano',
  'job_1',
]
const ODD_NUMBERS = [0, -0, -1, 1.5, 1e308, -1e308, 2 ** 53, 2 ** 31, 4_294_967_296, Number.MAX_SAFE_INTEGER]

export interface Hostile {
  /** A JSON value of any shape, at most `depth` deep. */
  value(depth?: number): unknown
  /** `template` with some of its parts replaced, removed, doubled or renamed. */
  mutate(template: unknown): unknown
  /** Text that may be JSON, nearly JSON, or anything. */
  text(template: unknown): string
  bytes(): Buffer
  pick<T>(list: readonly T[]): T
}

export function hostile(seed: number): Hostile {
  const random = seeded(seed)
  const int = (n: number): number => Math.floor(random() * n)
  const pick = <T>(list: readonly T[]): T => list[int(list.length)] as T
  const value = (depth = 4): unknown => {
    const kind = int(depth > 0 ? 8 : 6)
    if (kind === 0) return pick(ODD_STRINGS)
    if (kind === 1) return pick(ODD_NUMBERS)
    if (kind === 2) return null
    if (kind === 3) return random() < 0.5
    if (kind < 6) return Math.round(random() * 1_000)
    if (kind === 6) return Array.from({ length: int(5) }, () => value(depth - 1))
    return Object.fromEntries(Array.from({ length: int(5) }, () => [pick(ODD_STRINGS), value(depth - 1)]))
  }
  const mutate = (template: unknown): unknown => {
    if (random() < 0.15) return value(3)
    if (Array.isArray(template))
      return random() < 0.2
        ? [...(template as unknown[]), ...(template as unknown[])]
        : template.map((part: unknown) => (random() < 0.4 ? mutate(part) : part))
    if (typeof template === 'object' && template !== null) {
      const entries = Object.entries(template).flatMap(([key, part]): [string, unknown][] => {
        const chance = random()
        if (chance < 0.08) return []
        if (chance < 0.14) return [[pick(ODD_STRINGS), part]]
        return [[key, chance < 0.5 ? mutate(part) : part]]
      })
      return Object.fromEntries(random() < 0.1 ? [...entries, ['extra', value(2)]] : entries)
    }
    return random() < 0.5 ? value(1) : template
  }
  const text = (template: unknown): string => {
    const whole = JSON.stringify(mutate(template)) ?? 'undefined'
    const chance = random()
    if (chance < 0.65) return whole
    if (chance < 0.75) return whole.slice(0, int(whole.length + 1))
    if (chance < 0.85) return whole.replace(/[{}[\]",:]/, () => pick(['', '{', '"', '\\', '\u0000']))
    if (chance < 0.9) return '['.repeat(int(20_000))
    return pick(ODD_STRINGS)
  }
  return { value, mutate, text, pick, bytes: () => Buffer.from(Array.from({ length: int(400) }, () => int(256))) }
}
