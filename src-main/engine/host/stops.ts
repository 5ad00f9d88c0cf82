/** Stop strings matched on the streamed text by us: the library's own triggers miss strings that cross a token boundary. */

export interface StopMatcher {
  /** Text that may be delivered now; with `stopped`, it ends just before a stop string and nothing follows. */
  push(text: string): { text: string; stopped: boolean }
  /** What was held back as the possible start of a stop string, once no more text comes. */
  rest(): string
}

/** Length of the longest end of `text` that a stop string could still grow from. */
function heldLength(text: string, stops: readonly string[]): number {
  let held = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > held; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) held = length
    }
  }
  return held
}

export function createStopMatcher(stops: readonly string[]): StopMatcher {
  let buffer = ''
  return {
    push(text) {
      buffer += text
      const at = stops.map((stop) => buffer.indexOf(stop)).filter((index) => index >= 0)
      if (at.length > 0) {
        const before = buffer.slice(0, Math.min(...at))
        buffer = ''
        return { text: before, stopped: true }
      }
      const held = heldLength(buffer, stops)
      const free = buffer.slice(0, buffer.length - held)
      buffer = buffer.slice(buffer.length - held)
      return { text: free, stopped: false }
    },
    rest() {
      const text = buffer
      buffer = ''
      return text
    },
  }
}
