/**
 * Waits for the marker from which on a grammar applies. llama.cpp's own lazy grammar matches the whole answer again at
 * every token (quadratic: 25 ms a token after 700 tokens, and recursive), so the grammar gets only the tokens of the
 * marker itself, once they are complete.
 */

export interface GrammarTrigger {
  readonly found: boolean
  /** One more token. Returns the tokens that the grammar must accept now, those of the marker included; mostly none. */
  push(token: number): readonly number[]
}

/**
 * After the marker, the same token may hold one line break; with anything else the grammar does not start.
 */
const AFTER = ['', '\n']

/**
 * `textOf`: a token's text, the names of control tokens included; one character per byte (latin1), since a token may not
 * be whole UTF-8.
 */
export function createGrammarTrigger(triggers: readonly string[], textOf: (token: number) => string): GrammarTrigger {
  const markers = triggers.map((trigger) => Buffer.from(trigger, 'utf8').toString('latin1'))
  let tail: { token: number; text: string }[] = []
  let found = false

  /** Length of the longest suffix of the text that is a prefix of a marker. */
  function partialMarker(text: string): number {
    let longest = 0
    for (const marker of markers) {
      for (let length = Math.min(marker.length - 1, text.length); length > longest; length -= 1)
        if (text.endsWith(marker.slice(0, length))) longest = length
    }
    return longest
  }

  return {
    get found() {
      return found
    },
    push(token) {
      if (found) return [token]
      tail.push({ token, text: textOf(token) })
      const text = tail.map((one) => one.text).join('')
      for (const marker of markers) {
        const at = text.indexOf(marker)
        if (at < 0) continue
        const tokens = tail.map((one) => one.token)
        tail = []
        found = AFTER.includes(text.slice(at + marker.length))
        return found ? tokens : []
      }
      let free = text.length - partialMarker(text)
      while (tail.length > 0 && free >= (tail[0]?.text.length ?? 0)) free -= tail.shift()?.text.length ?? 0
      return []
    },
  }
}
