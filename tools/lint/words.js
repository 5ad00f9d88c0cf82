/**
 * Refuses words of our own where the field has terms (old-words.json; the terms stand in docs/glossary.md), in the names of
 * files, types, functions, variables and members. Prose is left to readers.
 */
import { basename } from 'node:path'

import { readData, repoPath } from './paths.js'

const entries = readData('old-words.json').words.map((entry) => ({
  ...entry,
  files: new RegExp(entry.in ?? ''),
  name: new RegExp(entry.pattern),
  allowed: entry.except === undefined ? null : new RegExp(entry.except),
}))

/** `inFlightCall`, `InFlightCall`, `in-flight-call.ts` and `IN_FLIGHT_CALL` are all `in-flight-call`. */
export const kebab = (name) =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1-$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .replaceAll(/[_.\s]+/g, '-')
    .toLowerCase()

/** Null when the name is fine in that file, else what to use instead. */
export function oldWord(file, name) {
  const words = kebab(name)
  const found = entries.find(
    (entry) => entry.files.test(file) && entry.name.test(words) && !(entry.allowed?.test(words) ?? false),
  )
  return found === undefined ? null : `"${name}" uses a word of our own; use ${found.use}`
}

export const wordsRule = {
  create(context) {
    const file = repoPath(context.filename)
    const seen = new Set()
    const check = (node, name) => {
      if (typeof name !== 'string' || seen.has(name)) return
      seen.add(name)
      const reason = oldWord(file, name)
      if (reason !== null) context.report({ node, message: `${reason} (tools/lint/old-words.json)` })
    }
    return {
      Program: (node) => check(node, basename(file).replace(/\.[a-z]+$/, '')),
      Identifier: (node) => check(node, node.name),
      PrivateIdentifier: (node) => check(node, node.name),
    }
  },
}
