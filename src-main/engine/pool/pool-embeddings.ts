/** Sends texts to embed to the least loaded member, and to others when it fails; each is tried once. */
import { fail, toErrorValue } from '#contract/errors.ts'

import { isCrash, moves } from './member-failures.ts'
import { route, type Candidate } from './choose-member.ts'
import type { PoolMembers } from './pool-members.ts'

export interface EmbedDeps {
  members: PoolMembers
  /** Local processes: the texts may be the reason when one of them crashes. */
  local: boolean
  candidates(this: void, except: ReadonlySet<number>): Candidate[]
}

/** Errors: the last member's; ENGINE_NOT_LOADED where there is none. */
export async function embedIn(
  { members, local, candidates }: EmbedDeps,
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<{ vectors: number[][]; promptTokens: number }> {
  const tried = new Set<number>()
  let last: unknown = null
  for (let attempt = 0; attempt < members.count; attempt += 1) {
    // Embeddings need no slot: all of them may be busy.
    const free = candidates(tried).map((candidate) => ({ ...candidate, capacity: Number.MAX_SAFE_INTEGER }))
    const index = route(free, new Set())
    const member = index === null ? undefined : members.at(index)
    if (index === null || member === undefined) break
    tried.add(index)
    try {
      return await member.engine.embed(texts, signal)
    } catch (error) {
      const value = toErrorValue(error)
      if (!moves(value) || (local && isCrash(value) && (last !== null || member.suspects === 0))) throw error
      last = error
    }
  }
  throw last ?? fail('engine.notLoaded')
}
