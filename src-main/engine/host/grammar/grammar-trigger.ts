/**
 * Waits for the marker from which on a grammar holds. llama.cpp's own lazy grammar looks at the whole answer again with
 * every token (quadratic, 25 ms a token after 700, and recursive), so it is shown nothing but the tokens of the marker
 * itself, once they are complete.
 */

export interface GrammarTrigger {
  readonly found: boolean
  /** One more token. The tokens to show to the grammar, the marker's text among them; mostly none. */
  push(token: number): readonly number[]
}

/**
 * Between the marker and what follows in the same token a grammar takes one line break; anything else is no trigger.
 */
const AFTER = ['', '\n']

/**
 * `textOf` a token with the names of control tokens, one character a byte (latin1), since a token need not be whole
 * UTF-8.
 */
export function createGrammarTrigger(triggers: readonly string[], textOf: (token: number) => string): GrammarTrigger {
  const markers = triggers.map((trigger) => Buffer.from(trigger, 'utf8').toString('latin1'))
  let tail: { token: number; text: string }[] = []
  let found = false

  /** Length of the longest end of the text that a marker could still grow from. */
  function growing(text: string): number {
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
      let spare = text.length - growing(text)
      while (tail.length > 0 && spare >= (tail[0]?.text.length ?? 0)) spare -= tail.shift()?.text.length ?? 0
      return []
    },
  }
}
