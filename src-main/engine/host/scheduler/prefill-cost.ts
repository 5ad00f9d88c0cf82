/**
 * What a step pays for prompt tokens: a pass over the weights, and so much for each token. A mean of milliseconds a
 * token would not do: small pieces make it look dear, and dear tokens make the pieces smaller still. A line through the
 * last steps, weighted so that relative errors count.
 */
export interface PromptCost {
  /** A step evaluated so many prompt tokens, in so much time less what its decodes take. */
  add(tokens: number, ms: number): void
  /** Tokens that fit in so many milliseconds, possibly less than 1; null while nothing was measured. */
  within(ms: number): number | null
}

/** After so many tokens an old step counts half: a neighbour's sudden work must show. */
const HALF_LIFE = 512
/**
 * Steps of one length say nothing of the pass alone; then it is taken for one decode's time, and as sure as this share
 * of all steps.
 */
const PRIOR = 0.05

/** `passMs`: a guess of the pass over the weights, 0 while there is none. */
export function createPromptCost(passMs: () => number): PromptCost {
  let [weight, n, nn, ms, nms] = [0, 0, 0, 0, 0]

  /** Least squares of `pass + each · tokens`, neither below zero. */
  function line(): { pass: number; each: number } | null {
    if (weight === 0) return null
    const prior = PRIOR * weight
    const [w, m] = [weight + prior, ms + prior * passMs()]
    const each = (w * nms - n * m) / (w * nn - n * n)
    const pass = (m - each * n) / w
    if (each <= 0) return { pass: 0, each: ms / n }
    return pass < 0 ? { pass: 0, each: nms / nn } : { pass, each }
  }
  return {
    add(tokens, took) {
      if (tokens <= 0 || took <= 0) return
      const keep = 0.5 ** (tokens / HALF_LIFE)
      const share = 1 / tokens
      weight = weight * keep + share
      n = n * keep + share * tokens
      nn = nn * keep + share * tokens * tokens
      ms = ms * keep + share * took
      nms = nms * keep + share * tokens * took
    },
    within(limit) {
      const cost = line()
      return cost === null ? null : (limit - cost.pass) / cost.each
    },
  }
}
