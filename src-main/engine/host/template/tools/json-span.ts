/** Finds a JSON object in a model's text and keeps the texts of its members as they were generated. */

export interface ObjectSpan {
  /** Index after the closing brace. */
  end: number
  members: ReadonlyMap<string, string>
}

/**
 * Index after the value that starts at `at`: a string, a balanced object or list, or a bare word; -1 when it does not
 * end.
 */
function valueEnd(text: string, at: number): number {
  let depth = 0
  let quoted = false
  for (let index = at; index < text.length; index += 1) {
    const character = text[index]
    if (quoted) {
      if (character === '\\') index += 1
      else if (character === '"') {
        quoted = false
        if (depth === 0) return index + 1
      }
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      // The bracket after a bare word belongs to what contains it.
      if (depth === 0) return index
      depth -= 1
      if (depth === 0) return index + 1
    } else if (depth === 0 && character === ',') return index
  }
  return -1
}

const skipSpace = (text: string, at: number): number => {
  let index = at
  while (index < text.length && /\s/.test(text[index] ?? '')) index += 1
  return index
}

/** The object that starts at `at`; null when there is none or it is no JSON. Linear in the object's length. */
export function objectAt(text: string, at: number): ObjectSpan | null {
  if (text[at] !== '{') return null
  const end = valueEnd(text, at)
  if (end < 0) return null
  try {
    JSON.parse(text.slice(at, end))
  } catch {
    return null
  }
  const members = new Map<string, string>()
  for (let index = skipSpace(text, at + 1); index < end - 1; index = skipSpace(text, index + 1)) {
    const keyEnd = valueEnd(text, index)
    const from = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const to = valueEnd(text, from)
    if (keyEnd < 0 || to < 0) break
    members.set(JSON.parse(text.slice(index, keyEnd)) as string, text.slice(from, to).trimEnd())
    index = skipSpace(text, to)
  }
  return { end, members }
}
