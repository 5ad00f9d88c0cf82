/**
 * What prompt tokens cost in a step: one pass over the weights, plus a cost for each token. A mean of milliseconds per
 * token would not do: small chunks make a token look costly, and costly tokens make the chunks smaller still. So a line
 * is fitted through the last steps, weighted so that relative errors count.
 */
export interface PrefillCost {
  /** A step evaluated `tokens` prompt tokens in `ms`, the time of its decodes left out. */
  add(tokens: number, ms: number): void
  /** Prompt tokens that fit in `ms`, possibly less than 1; null while nothing was measured. */
  within(ms: number): number | null
}

/** After this many tokens an old step counts half: sudden load by other programs must show. */
const HALF_LIFE = 512
/**
 * Steps of one length tell nothing about the pass over the weights. One decode's time is then taken for it, with this
 * share of the weight of all steps.
 */
const PRIOR = 0.05

/** `passMs`: an estimate of one pass over the weights, 0 while there is none. */
export function createPrefillCost(passMs: () => number): PrefillCost {
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
