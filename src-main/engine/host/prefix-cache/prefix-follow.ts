/**
 * Jobs of one beginning that arrive together: the first reads it, the others wait for that and copy, instead of all
 * reading the same.
 */
import { commonLength } from './prefix-common.ts'
import type { Placed } from '../scheduler/sequence.ts'

/** A leader that spares fewer tokens is not waited for. */
const SPARED_MIN_TOKENS = 64
/** Steps in which the leader may get no further: then its follower reads for itself. */
const STALLS_MAX = 8

export interface Following {
  /** Jobs that wait. */
  readonly size: number
  /** Lets the job wait for one that reads more of its beginning than the `known` tokens, where there is one. */
  join(placed: Placed, known: number): void
  /** Once a step: the leader, when it is far enough, has left or gets no further; the job waits no more then. */
  ready(placed: Placed): Placed | null
  leave(placed: Placed): void
}

/** What a leader has, and those it waits for itself. */
function progress(leader: Placed): number {
  let held = 0
  for (let at: Placed | null = leader; at !== null; at = at.leader) held += at.held
  return held
}

function waitsFor(placed: Placed, other: Placed): boolean {
  for (let at = placed.leader; at !== null; at = at.leader) if (at === other) return true
  return false
}

export function createFollowing(
  bySlot: readonly (Placed | null)[],
  mayLead: (leader: Placed, placed: Placed) => boolean,
): Following {
  let size = 0
  const lead = (placed: Placed, leader: Placed | null): void => {
    size += (leader === null ? 0 : 1) - (placed.leader === null ? 0 : 1)
    placed.leader = leader
  }
  return {
    get size() {
      return size
    },
    join(placed, known) {
      const { prompt } = placed.job
      let wanted = known + SPARED_MIN_TOKENS - 1
      let leader: Placed | null = null
      for (const other of bySlot) {
        if (
          other === null ||
          other === placed ||
          other.next !== null ||
          waitsFor(other, placed) ||
          !mayLead(other, placed)
        )
          continue
        const common = commonLength(other.job.prompt, prompt, prompt.length - 1)
        if (common <= wanted || common <= other.held) continue
        wanted = common
        leader = other
      }
      if (leader === null) return
      placed.wanted = wanted
      placed.stalls = 0
      placed.leaderHeld = progress(leader)
      lead(placed, leader)
    },
    ready(placed) {
      const { leader } = placed
      if (leader === null) return null
      if (!leader.left && leader.held < placed.wanted) {
        const now = progress(leader)
        placed.stalls = now > placed.leaderHeld ? 0 : placed.stalls + 1
        placed.leaderHeld = now
        if (placed.stalls < STALLS_MAX) return null
      }
      lead(placed, null)
      return leader
    },
    leave: (placed) => lead(placed, null),
  }
}
