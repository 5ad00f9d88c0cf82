/** Which member a job goes to: one that has the beginning of its prompt, otherwise the least loaded. */

export interface Candidate {
  index: number
  /** Jobs in it. */
  running: number
  /** Jobs it takes at once now. */
  capacity: number
}

const load = ({ running, capacity }: Candidate): number => running / capacity

/**
 * Of the members with a free slot, the least loaded of those in `holders`; of all, where none of them has one. Null
 * when no slot is free. Equal loads go to the lower index: a lone stream stays where caches are warm.
 */
export function route(candidates: readonly Candidate[], holders: ReadonlySet<number>): number | null {
  const free = candidates.filter(({ running, capacity }) => running < capacity)
  const warm = free.filter(({ index }) => holders.has(index))
  const [best] = (warm.length > 0 ? warm : free).toSorted((a, b) => load(a) - load(b) || a.index - b.index)
  return best?.index ?? null
}
