/** Reads the tool calls in a part of a model's answer, in each of the known formats. What is no call stays text. */
import type { ToolCall } from '#contract/inference.ts'

import type { ToolFormat } from './tool-format.ts'
import { objectAt } from './json-span.ts'

export type ReadCall = Omit<ToolCall, 'id'>

/** Reads one call at an index: the call and the index after it, or null. */
type Reader = (text: string, at: number) => { calls: ReadCall[]; end: number } | null

const spaceAfter = (text: string, at: number, more = ''): number => {
  let index = at
  while (index < text.length && (/\s/.test(text[index] ?? '') || more.includes(text[index] ?? ' '))) index += 1
  return index
}

/** `{"name": …, "arguments" or "parameters": …}`; arguments that are a JSON text inside a string are unpacked. */
function objectCall(text: string, at: number): { call: ReadCall; end: number } | null {
  const span = objectAt(text, at)
  const name = span?.members.get('name') ?? span?.members.get('function')
  if (span === null || name === undefined || !name.startsWith('"')) return null
  const raw = span.members.get('arguments') ?? span.members.get('parameters') ?? '{}'
  const given = raw.startsWith('"') ? (JSON.parse(raw) as string) : raw
  if (!given.trimStart().startsWith('{') || objectAt(given.trim(), 0)?.end !== given.trim().length) return null
  return { call: { name: JSON.parse(name) as string, arguments: given.trim() }, end: span.end }
}

const bare: Reader = (text, at) => {
  const found = objectCall(text, spaceAfter(text, at))
  return found === null ? null : { calls: [found.call], end: found.end }
}

const hermes: Reader = (text, at) => {
  const found = bare(text, at + '<tool_call>'.length)
  if (found === null) return null
  const after = spaceAfter(text, found.end)
  return text.startsWith('</tool_call>', after)
    ? { ...found, end: after + '</tool_call>'.length }
    : after === text.length
      ? { ...found, end: after }
      : null
}

const list: Reader = (text, at) => {
  let index = spaceAfter(text, at + '[TOOL_CALLS]'.length)
  if (text[index] !== '[') return bare(text, index)
  const calls: ReadCall[] = []
  for (index = spaceAfter(text, index + 1); text[index] !== ']'; index = spaceAfter(text, index, ',')) {
    const found = objectCall(text, index)
    if (found === null) return null
    calls.push(found.call)
    index = found.end
  }
  return { calls, end: index + 1 }
}

const named: Reader = (text, at) => {
  const start = at + '[TOOL_CALLS]'.length
  const marker = text.indexOf('[ARGS]', start)
  if (marker < 0) return list(text, at)
  // Some models put the call's own id between name and arguments.
  const name = text.slice(start, marker).split('[CALL_ID]')[0]?.trim() ?? ''
  const from = spaceAfter(text, marker + '[ARGS]'.length)
  const span = objectAt(text, from)
  return span === null || name === ''
    ? null
    : { calls: [{ name, arguments: text.slice(from, span.end) }], end: span.end }
}

const llama: Reader = (text, at) =>
  bare(text, text.startsWith('<|python_tag|>', at) ? at + '<|python_tag|>'.length : at)

const READERS: Record<ToolFormat['name'], Reader> = { hermes, llama, mistral: list, 'mistral-args': named }

/** Consecutive calls from the start of the text; from the first thing that is no call on, all is text. */
export function readCalls(text: string, { name, opening }: ToolFormat): { text: string; calls: ReadCall[] } {
  const calls: ReadCall[] = []
  const first = spaceAfter(text, 0)
  const begins = (at: number): boolean => text.startsWith(opening, at) || (name === 'llama' && text[at] === '{')
  let index = first
  while (index < text.length && begins(index)) {
    const found = READERS[name](text, index)
    if (found === null) break
    calls.push(...found.calls)
    index = spaceAfter(text, found.end, name === 'llama' ? ';' : '')
  }
  return { text: calls.length === 0 ? text : text.slice(index), calls }
}
