/**
 * Taking a reply out of its packing: reasoning, code fences, quotes, bold, \boxed{}, a final full stop. Source:
 * docs/exam.md, Checking an answer, steps 1 and 2.
 */

const REASONING_CLOSED = /<\/(?:think|thinking|reasoning)>|\[\/think\]/gi
const REASONING_OPENED = /<(?:think|thinking|reasoning)>|\[think\]/i

/**
 * Drops everything up to the last closing reasoning tag; null when a reasoning tag was opened after it and never
 * closed.
 */
export function dropReasoning(reply: string): string | null {
  const last = [...reply.matchAll(REASONING_CLOSED)].at(-1)
  const said = last === undefined ? reply : reply.slice(last.index + last[0].length)
  return REASONING_OPENED.test(said) ? null : said
}

const PAIRS = [
  ['**', '**'],
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['“', '”'],
  ['$', '$'],
] as const
const LANGUAGE = /^[A-Za-z0-9_.+#-]*[ \t]*$/

/**
 * The inside of a text that is one code fence and nothing else; a first line that could be a language is dropped when
 * something follows it.
 */
function insideFence(text: string): string | null {
  if (text.length < 6 || !text.startsWith('```') || !text.endsWith('```')) return null
  const inside = text.slice(3, -3)
  if (inside.includes('```')) return null
  const lineEnd = inside.indexOf('\n')
  if (lineEnd < 0 || !LANGUAGE.test(inside.slice(0, lineEnd).trimEnd())) return inside
  const rest = inside.slice(lineEnd + 1)
  return rest.trim() === '' ? inside : rest
}

/** The inside of a text that is one `\boxed{…}` and nothing else. */
function insideBox(text: string): string | null {
  if (!text.startsWith('\\boxed{') || !text.endsWith('}')) return null
  const inside = text.slice(7, -1)
  let depth = 0
  for (const sign of inside) {
    if (sign === '{') depth += 1
    if (sign === '}') depth -= 1
    if (depth < 0) return null
  }
  return depth === 0 ? inside : null
}

function insidePair(text: string): string | null {
  for (const [open, close] of PAIRS) {
    if (text.length >= open.length + close.length && text.startsWith(open) && text.endsWith(close))
      return text.slice(open.length, text.length - close.length)
  }
  return null
}

/**
 * Trims and removes one layer of packing at a time until nothing changes; every round shortens the text, so it ends.
 * `keepStop`: the expected answer ends with a full stop.
 */
export function unwrap(reply: string, keepStop: boolean): string {
  let text = reply.trim()
  for (;;) {
    const inside =
      insideFence(text) ??
      insideBox(text) ??
      insidePair(text) ??
      (!keepStop && text.endsWith('.') ? text.slice(0, -1) : null)
    if (inside === null) return text
    text = inside.trim()
  }
}
