/** Sampled tokens with their log-probabilities, as the contract reports them. */
import type { TokenLogprob } from '#contract/inference.ts'

import type { SampledToken, Vocabulary } from '../scheduler/step-model.ts'

/** A token's bytes may not be whole UTF-8: `token` is then lossy, `bytes` never. */
function described(
  vocabulary: Vocabulary,
  token: number,
  logprob: number,
): { token: string; bytes: number[]; logprob: number } {
  const bytes = vocabulary.bytesOf(token)
  return { token: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), bytes: [...bytes], logprob }
}

/** Null when the loop reported no log-probability. */
export function tokenLogprob(vocabulary: Vocabulary, sampled: SampledToken): TokenLogprob | null {
  if (sampled.logprob === undefined) return null
  return {
    ...described(vocabulary, sampled.token, sampled.logprob),
    top: (sampled.top ?? []).map(({ token, logprob }) => described(vocabulary, token, logprob)),
  }
}
