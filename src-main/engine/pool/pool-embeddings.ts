/** Texts to embed go to the least loaded member, and on to others when it fails; each is asked once. */
import { StokerError, toErrorValue } from '#contract/errors.ts'

import { isCrash, moves } from './member-failures.ts'
import { route, type Candidate } from './choose-member.ts'
import type { Seats } from './pool-members.ts'

export interface EmbedPlaces {
  seats: Seats
  /** Processes of this machine: one that ends under the texts may have ended because of them. */
  local: boolean
  candidates(this: void, except: ReadonlySet<number>): Candidate[]
}

/** Errors: the last member's; ENGINE_NOT_LOADED where there is none. */
export async function embedIn(
  { seats, local, candidates }: EmbedPlaces,
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<{ vectors: number[][]; promptTokens: number }> {
  const tried = new Set<number>()
  let last: unknown = null
  for (let attempt = 0; attempt < seats.count; attempt += 1) {
    // All its slots may be busy: embeddings do not wait for one.
    const free = candidates(tried).map((candidate) => ({ ...candidate, capacity: Number.MAX_SAFE_INTEGER }))
    const index = route(free, new Set())
    const seat = index === null ? undefined : seats.at(index)
    if (index === null || seat === undefined) break
    tried.add(index)
    try {
      return await seat.member.embed(texts, signal)
    } catch (error) {
      const value = toErrorValue(error)
      if (!moves(value) || (local && isCrash(value) && (last !== null || seat.suspects === 0))) throw error
      last = error
    }
  }
  throw last ?? new StokerError('ENGINE_NOT_LOADED', 'No model is loaded. Load one first.')
}
