/**
 * Jobs with a common prefix that arrive together: the first one prefills it, the others wait and copy it, instead of
 * all evaluating the same tokens.
 */
import { commonLength } from './prefix-common.ts'
import type { Sequence } from '../scheduler/sequence.ts'

/** A leader that saves fewer prompt tokens is not waited for. */
const SAVED_MIN_TOKENS = 64
/** After this many steps without progress of the leader, its follower prefills by itself. */
const IDLE_STEPS_MAX = 8

export interface PrefixFollowers {
  /** Sequences that wait for a leader. */
  readonly size: number
  /**
   * Lets the sequence wait for one of its cache scope that prefills a longer prefix of its prompt than the `known`
   * tokens, if there is one.
   */
  join(sequence: Sequence, known: number): void
  /**
   * Once a step: the leader, if it is far enough, has finished or makes no progress; the sequence then no longer waits.
   * Null while it waits.
   */
  ready(sequence: Sequence): Sequence | null
  release(sequence: Sequence): void
}

/** KV tokens of a leader and of those it waits for itself. */
function progress(leader: Sequence): number {
  let tokens = 0
  for (let at: Sequence | null = leader; at !== null; at = at.leader) tokens += at.kvTokens
  return tokens
}

function waitsFor(sequence: Sequence, other: Sequence): boolean {
  for (let at = sequence.leader; at !== null; at = at.leader) if (at === other) return true
  return false
}

export function createPrefixFollowers(
  bySlot: readonly (Sequence | null)[],
  mayLead: (leader: Sequence, sequence: Sequence) => boolean,
): PrefixFollowers {
  let size = 0
  const setLeader = (sequence: Sequence, leader: Sequence | null): void => {
    size += (leader === null ? 0 : 1) - (sequence.leader === null ? 0 : 1)
    sequence.leader = leader
  }
  return {
    get size() {
      return size
    },
    join(sequence, known) {
      const { prompt, cacheScope } = sequence.job
      if (cacheScope === null) return
      let longest = known + SAVED_MIN_TOKENS - 1
      let leader: Sequence | null = null
      for (const other of bySlot) {
        if (
          other === null ||
          other === sequence ||
          other.job.cacheScope !== cacheScope ||
          other.nextToken !== null ||
          waitsFor(other, sequence) ||
          !mayLead(other, sequence)
        )
          continue
        const common = commonLength(other.job.prompt, prompt, prompt.length - 1)
        if (common <= longest || common <= other.kvTokens) continue
        longest = common
        leader = other
      }
      if (leader === null) return
      sequence.leaderTarget = longest
      sequence.idleSteps = 0
      sequence.leaderProgress = progress(leader)
      setLeader(sequence, leader)
    },
    ready(sequence) {
      const { leader } = sequence
      if (leader === null) return null
      if (!leader.finished && leader.kvTokens < sequence.leaderTarget) {
        const now = progress(leader)
        sequence.idleSteps = now > sequence.leaderProgress ? 0 : sequence.idleSteps + 1
        sequence.leaderProgress = now
        if (sequence.idleSteps < IDLE_STEPS_MAX) return null
      }
      setLeader(sequence, null)
      return leader
    },
    release: (sequence) => setLeader(sequence, null),
  }
}
