/**
 * Which members have lately evaluated which prompt prefixes of a cache scope, so that a conversation goes back to the member that has its
 * earlier turns in the prefix cache. Only hashes are kept, never text.
 */
import { createHash } from 'node:crypto'

import type { EngineRequest } from '#contract/inference.ts'

/** Prefixes remembered; the least recently used is forgotten first. */
const REMEMBERED_MAX = 2_048
/** Shorter prefixes are not worth routing by. */
const WORTH_CHARACTERS = 64
/**
 * Message boundaries of one request that are hashed: the first ones end the system prompt, the last ones the turns of
 * the conversation.
 */
const FIRST_BOUNDARIES = 4
const LAST_BOUNDARIES = 12
/** Prefix lengths of a prompt without messages, in characters. */
const PROMPT_CUTS = [256, 1_024, 4_096, 16_384]

/**
 * Hashes of the request's prefixes in its cache scope, longest first: after each message, or at fixed lengths of a plain
 * prompt. None without a scope: nothing is reused for it.
 */
export function prefixesOf({
  messages,
  prompt,
  cacheScope,
}: Pick<EngineRequest, 'messages' | 'prompt' | 'cacheScope'>): string[] {
  if (cacheScope === undefined) return []
  const hash = createHash('sha256').update(`${cacheScope}\u0000`)
  const found: string[] = []
  let length = 0
  const mark = (): void => {
    if (length >= WORTH_CHARACTERS) found.push(hash.copy().digest('base64'))
  }
  if (prompt !== undefined) {
    for (const cut of [...PROMPT_CUTS.filter((cut) => cut < prompt.length), prompt.length]) {
      hash.update(prompt.slice(length, cut))
      length = cut
      mark()
    }
    return found.reverse()
  }
  for (const [index, { role, content }] of messages.entries()) {
    hash.update(`${role}\u0000${content.length}\u0000${content}\u0000`)
    length += content.length
    if (index < FIRST_BOUNDARIES || index >= messages.length - LAST_BOUNDARIES) mark()
  }
  return found.reverse()
}

export interface Affinity {
  /** Members that served the longest remembered prefix; empty when none did. */
  cachedBy(prefixes: readonly string[]): ReadonlySet<number>
  served(prefixes: readonly string[], member: number): void
  /** The member lost its prefix cache. */
  forget(member: number): void
}

export function createAffinity(): Affinity {
  const remembered = new Map<string, Set<number>>()
  return {
    cachedBy(prefixes) {
      for (const prefix of prefixes) {
        const members = remembered.get(prefix)
        if (members !== undefined && members.size > 0) return members
      }
      return new Set()
    },
    served(prefixes, member) {
      for (const prefix of prefixes) {
        const members = remembered.get(prefix) ?? new Set<number>()
        members.add(member)
        // Set again, it is the most recently used.
        remembered.delete(prefix)
        remembered.set(prefix, members)
      }
      for (const oldest of remembered.keys()) {
        if (remembered.size <= REMEMBERED_MAX) break
        remembered.delete(oldest)
      }
    },
    forget(member) {
      for (const members of remembered.values()) members.delete(member)
    },
  }
}
