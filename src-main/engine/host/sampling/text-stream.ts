/**
 * Detokenizes a stream: the bytes of tokens become text, and those of an unfinished UTF-8 character (at most three) are
 * held back until it is whole.
 */

export interface TextStream {
  /**
   * The text that these bytes complete; empty while a character is unfinished. Invalid bytes become U+FFFD.
   */
  push(bytes: Uint8Array): string
}

/**
 * A leading space of the first token is kept as the model generated it, as llama-server does. An unfinished character
 * at the very end is never delivered: there is no push that would complete it.
 */
export function createTextStream(): TextStream {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return { push: (bytes) => decoder.decode(bytes, { stream: true }) }
}
