/**
 * A strict JSON reader (RFC 8259) that reports duplicate keys and finds values inside prose, which JSON.parse cannot.
 * Objects become Maps, so that no key is special. Nesting is bounded.
 */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>

/** `ended` is true when the text stopped in the middle of a value that was well formed so far. */
type Failure = { ok: false; ended: boolean; reason: 'not JSON' | 'duplicate key' }
export type Parsed = { ok: true; value: Json; end: number } | Failure

const DEPTH_MAX = 64
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** Control characters (below the space) are left out of the ranges, as RFC 8259 asks. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SPACE = /[ \t\n\r]*/y

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}

const skip = (text: string, at: number): number => at + (matchAt(SPACE, text, at)?.length ?? 0)
const failAt = (text: string, at: number): Failure => ({ ok: false, ended: at >= text.length, reason: 'not JSON' })

function parseString(text: string, at: number): { ok: true; value: string; end: number } | Failure {
  const found = matchAt(STRING, text, at)
  if (found === null)
    return { ok: false, ended: text[at] === '"' && !text.slice(at + 1).includes('"'), reason: 'not JSON' }
  return { ok: true, value: JSON.parse(found) as string, end: at + found.length }
}

function parseArray(text: string, start: number, depth: number): Parsed {
  const items: Json[] = []
  let at = skip(text, start + 1)
  if (text[at] === ']') return { ok: true, value: items, end: at + 1 }
  while (at < text.length) {
    const item = parseValue(text, at, depth + 1)
    if (!item.ok) return item
    items.push(item.value)
    at = skip(text, item.end)
    if (text[at] === ']') return { ok: true, value: items, end: at + 1 }
    if (text[at] !== ',') break
    at = skip(text, at + 1)
  }
  return failAt(text, at)
}

function parseObject(text: string, start: number, depth: number): Parsed {
  const entries = new Map<string, Json>()
  let duplicate = false
  let at = skip(text, start + 1)
  if (text[at] === '}') return { ok: true, value: entries, end: at + 1 }
  while (at < text.length) {
    const key = parseString(text, at)
    if (!key.ok) return key
    at = skip(text, key.end)
    if (text[at] !== ':') break
    const value = parseValue(text, skip(text, at + 1), depth + 1)
    if (!value.ok) return value
    duplicate ||= entries.has(key.value)
    entries.set(key.value, value.value)
    at = skip(text, value.end)
    if (text[at] === '}')
      return duplicate
        ? { ok: false, ended: false, reason: 'duplicate key' }
        : { ok: true, value: entries, end: at + 1 }
    if (text[at] !== ',') break
    at = skip(text, at + 1)
  }
  return failAt(text, at)
}

function parseValue(text: string, at: number, depth: number): Parsed {
  if (depth > DEPTH_MAX) return { ok: false, ended: false, reason: 'not JSON' }
  if (text[at] === '{') return parseObject(text, at, depth)
  if (text[at] === '[') return parseArray(text, at, depth)
  if (text[at] === '"') return parseString(text, at)
  const scalar = matchAt(SCALAR, text, at)
  return scalar === null || scalar === ''
    ? failAt(text, at)
    : { ok: true, value: JSON.parse(scalar) as Json, end: at + scalar.length }
}

/** The whole text as one value, white space around it allowed. */
export function parseWhole(text: string): Parsed {
  const parsed = parseValue(text, skip(text, 0), 0)
  if (!parsed.ok || skip(text, parsed.end) === text.length) return parsed
  return { ok: false, ended: false, reason: 'not JSON' }
}

/** End of the bracketed stretch that opens at `at`, quotes respected; null when it never closes. */
function closing(text: string, at: number): number | null {
  let depth = 0
  for (let place = at; place < text.length; place += 1) {
    const sign = text[place]!
    if (sign === '"') place += (matchAt(STRING, text, place)?.length ?? 1) - 1
    else if (sign === '{' || sign === '[') depth += 1
    else if (sign === '}' || sign === ']') depth -= 1
    if (depth === 0) return place + 1
  }
  return null
}

/** Stretches tried before the search gives up: keeps a reply of brackets from costing its length squared. */
const TRIES_MAX = 64

/**
 * The last complete object or array that stands in prose and inside no other one. A bracketed stretch that is not JSON
 * is passed over whole; one that breaks off at the end of the text hides all that follows it. A duplicate key in the
 * last value is a failure, not a reason to take an earlier one.
 */
export function lastTopLevel(text: string): Parsed {
  let last: Parsed = { ok: false, ended: true, reason: 'not JSON' }
  let at = 0
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const offset = text.slice(at).search(/[{[]/)
    if (offset < 0) return last
    at += offset
    const parsed = parseValue(text, at, 0)
    if (parsed.ok) {
      last = parsed
      at = parsed.end
      continue
    }
    if (parsed.ended) return last
    if (parsed.reason === 'duplicate key') last = parsed
    at = closing(text, at) ?? at + 1
  }
  return { ok: false, ended: false, reason: 'not JSON' }
}

/** Deep equality; the order of keys does not matter, 1 and "1" differ. */
export function jsonEqual(a: Json, b: Json): boolean {
  if (a instanceof Map)
    return (
      b instanceof Map &&
      a.size === b.size &&
      [...a].every(([key, value]) => b.has(key) && jsonEqual(value, b.get(key)!))
    )
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((value, at) => jsonEqual(value, b[at]!))
  return a === b
}
