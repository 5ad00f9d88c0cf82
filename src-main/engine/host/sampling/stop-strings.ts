/**
 * Stop strings, matched on the streamed text: the library's own triggers miss strings that cross a token boundary.
 * Linear in text times stop strings.
 */

export interface StopMatcher {
  /** Text that may be delivered now; with `stopped`, it ends just before a stop string and nothing follows. */
  push(text: string): { text: string; stopped: boolean }
  /** What was held back as the possible start of a stop string, once no more text comes. */
  rest(): string
}

/** Knuth-Morris-Pratt: how many characters of `stop` the text ends with, updated one character at a time. */
interface Progress {
  stop: string
  /** Entry n: length of the longest proper prefix of stop[0..n] that is also its suffix. */
  fallback: Uint16Array
  matched: number
}

function progressOf(stop: string): Progress {
  const fallback = new Uint16Array(stop.length)
  for (let at = 1, length = 0; at < stop.length; at += 1) {
    while (length > 0 && stop[at] !== stop[length]) length = fallback[length - 1] ?? 0
    if (stop[at] === stop[length]) length += 1
    fallback[at] = length
  }
  return { stop, fallback, matched: 0 }
}

/** True when the character completes the stop string. */
function advance(progress: Progress, character: string): boolean {
  const { stop, fallback } = progress
  while (progress.matched > 0 && stop[progress.matched] !== character)
    progress.matched = fallback[progress.matched - 1] ?? 0
  if (stop[progress.matched] === character) progress.matched += 1
  return progress.matched === stop.length
}

/**
 * The first stop string to be complete ends the text; of several complete at once, the longest. At most 16 of 256
 * characters (the contract's bound).
 */
export function createStopMatcher(stops: readonly string[]): StopMatcher {
  const all = stops.filter((stop) => stop !== '').map((stop) => progressOf(stop.toWellFormed()))
  let held = ''
  return {
    push(text) {
      for (const [at, character] of text.split('').entries()) {
        let longest = 0
        for (const progress of all) if (advance(progress, character)) longest = Math.max(longest, progress.stop.length)
        if (longest === 0) continue
        const before = `${held}${text.slice(0, at + 1)}`
        held = ''
        return { text: before.slice(0, before.length - longest), stopped: true }
      }
      const whole = held + text
      const keep = all.reduce((most, progress) => Math.max(most, progress.matched), 0)
      held = whole.slice(whole.length - keep)
      return { text: whole.slice(0, whole.length - keep), stopped: false }
    },
    rest() {
      const text = held
      held = ''
      return text
    },
  }
}
