/** Common prefixes of token lists. */

/** A copy from elsewhere must bring this many more tokens than are already in the slot. */
export const COPY_MIN_TOKENS = 16

/** Fewer tokens than this are sooner evaluated again than saved. */
export const SAVE_MIN_TOKENS = 64

/** Length of the common prefix, at most `most`. */
export function commonLength(a: readonly number[], b: readonly number[], most = Number.POSITIVE_INFINITY): number {
  const end = Math.min(most, a.length, b.length)
  let length = 0
  while (length < end && a[length] === b[length]) length += 1
  return length
}
