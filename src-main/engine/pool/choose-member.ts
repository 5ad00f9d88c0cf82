/** Which member a job goes to: one that has a prefix of its prompt in cache, otherwise the least loaded. */

export interface Candidate {
  index: number
  /** Jobs that run in it. */
  running: number
  /** Jobs that it takes at once now. */
  capacity: number
}

const load = ({ running, capacity }: Candidate): number => running / capacity

/**
 * The least loaded member with a free slot among `cachedBy`, or among all where none of those has one. Null when no slot
 * is free. Equal loads go to the lower index: a single stream stays where the caches are warm.
 */
export function route(candidates: readonly Candidate[], cachedBy: ReadonlySet<number>): number | null {
  const free = candidates.filter(({ running, capacity }) => running < capacity)
  const warm = free.filter(({ index }) => cachedBy.has(index))
  const [best] = (warm.length > 0 ? warm : free).toSorted((a, b) => load(a) - load(b) || a.index - b.index)
  return best?.index ?? null
}
