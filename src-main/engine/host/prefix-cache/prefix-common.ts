/** Common beginnings of token lists. */

/** So many more common tokens are worth a copy from elsewhere. */
export const COPY_MIN_TOKENS = 16

/** Fewer tokens than these are evaluated again sooner than saved. */
export const PARK_MIN_TOKENS = 64

/** How many tokens both begin with, `most` at most. */
export function commonLength(a: readonly number[], b: readonly number[], most = Number.POSITIVE_INFINITY): number {
  const end = Math.min(most, a.length, b.length)
  let length = 0
  while (length < end && a[length] === b[length]) length += 1
  return length
}
