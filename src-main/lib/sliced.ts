/**
 * Long work in slices, each bounded by the rows it reads: a generator that yields after every slice, so that the same
 * work can be done at once, or a slice at a time with whatever else is to be done in between.
 */

/** What a slice did, and how far its part of the work is. `of` is an estimate where rows are not counted beforehand. */
export interface WorkSlice {
  part: string
  /** Rows read in this slice. */
  rows: number
  done: number
  of: number
}

export type Sliced<Result> = Generator<WorkSlice, Result, void>

/** All slices after each other, without a pause. */
export function finishSlices<Result>(work: Sliced<Result>): Result {
  for (;;) {
    const next = work.next()
    if (next.done === true) return next.value
  }
}

export interface SliceOptions {
  /** Ends the work after the slice it is in; its reason is thrown. */
  signal?: AbortSignal | undefined
  onSlice?: (slice: WorkSlice) => void
}

/** A slice, then everything else that waits in this process, then the next. Work that is ended early is closed. */
export async function finishInSlices<Result>(work: Sliced<Result>, options: SliceOptions = {}): Promise<Result> {
  const { signal, onSlice } = options
  let isOver = false
  try {
    for (;;) {
      signal?.throwIfAborted()
      const next = work.next()
      isOver = next.done === true
      if (next.done === true) return next.value
      onSlice?.(next.value)
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    // Lets the work give back what it holds; its result is nobody's.
    if (!isOver) work.return(undefined as Result)
  }
}
