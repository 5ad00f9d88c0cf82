/**
 * Which members have lately evaluated which beginnings of prompts, so that a conversation goes back to where its
 * earlier turns are cached. Only hashes are kept, never text.
 */
import { createHash } from 'node:crypto'

import type { EngineRequest } from '#contract/inference.ts'

/** Beginnings remembered; the least recently used is forgotten first. */
const REMEMBERED_MAX = 2_048
/** Characters below which evaluating again is cheaper than caring. */
const WORTH_CHARACTERS = 64
/**
 * Boundaries of one request that are looked at: the first ones hold the system prompt, the last ones the conversation.
 */
const FIRST_BOUNDARIES = 4
const LAST_BOUNDARIES = 12
/** A prompt without messages is cut here. */
const PROMPT_CUTS = [256, 1_024, 4_096, 16_384]

/** Hashes of the request's beginnings, the longest first: after each message, or at fixed lengths of a plain prompt. */
export function beginningsOf({ messages, prompt }: Pick<EngineRequest, 'messages' | 'prompt'>): string[] {
  const hash = createHash('sha256')
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
  /** Members that served the longest remembered beginning; empty when none did. */
  holders(beginnings: readonly string[]): ReadonlySet<number>
  served(beginnings: readonly string[], member: number): void
  /** The member lost what it had evaluated. */
  forget(member: number): void
}

export function createAffinity(): Affinity {
  const remembered = new Map<string, Set<number>>()
  return {
    holders(beginnings) {
      for (const beginning of beginnings) {
        const members = remembered.get(beginning)
        if (members !== undefined && members.size > 0) return members
      }
      return new Set()
    },
    served(beginnings, member) {
      for (const beginning of beginnings) {
        const members = remembered.get(beginning) ?? new Set<number>()
        members.add(member)
        // Set again, it is the most recently used.
        remembered.delete(beginning)
        remembered.set(beginning, members)
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
