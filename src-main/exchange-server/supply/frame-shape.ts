/**
 * Whether a frame may be parsed at all: 500,000 nested brackets are one megabyte of text and thirty of objects. Counted
 * are the brackets, commas and colons outside strings; a frame of the protocol has some hundreds.
 */
const SMALL_BYTES = 4_096
const MARKS_MAX = 8_192

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const BRACKET = 0x5b
const BRACE = 0x7b

/** True for a small frame, and for a larger one of no more marks than a frame of the protocol can have. */
export function isParsable(frame: Uint8Array): boolean {
  if (frame.byteLength <= SMALL_BYTES) return true
  let marks = 0
  let inString = false
  for (let at = 0; at < frame.byteLength; at += 1) {
    const byte = frame[at]
    if (inString) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === COMMA || byte === COLON || byte === BRACKET || byte === BRACE) {
      marks += 1
      if (marks > MARKS_MAX) return false
    }
  }
  return true
}
