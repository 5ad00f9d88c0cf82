/** What is wrong with a catalogue: for English, and for every language somebody adds. */
import { parse, TYPE, type MessageFormatElement } from '@formatjs/icu-messageformat-parser'

import { STANDING_NAMES } from '#words/words.ts'

/** Names that a message's placeholders, plurals and selects use. */
function namesIn(elements: readonly MessageFormatElement[]): string[] {
  return elements.flatMap((element) => {
    if (element.type === TYPE.literal || element.type === TYPE.pound) return []
    if (element.type === TYPE.select || element.type === TYPE.plural)
      return [element.value, ...Object.values(element.options).flatMap((option) => namesIn(option.value))]
    if (element.type === TYPE.tag) return namesIn(element.children)
    return [element.value]
  })
}

/** `table` says which messages there must be and, after its first entry, what each must name. */
export function catalogueProblems(
  catalogue: Readonly<Record<string, string>>,
  table: Readonly<Record<string, readonly (string | null)[]>>,
): string[] {
  const problems = Object.keys(catalogue)
    .filter((code) => !Object.hasOwn(table, code))
    .map((code) => `${code} is no code`)
  for (const [code, [, ...names]] of Object.entries(table)) {
    const message = catalogue[code]
    if (message === undefined || message.trim() === '') {
      problems.push(`${code} has no message`)
      continue
    }
    try {
      const used = new Set(namesIn(parse(message, { ignoreTag: true, requiresOtherClause: true })))
      for (const name of used)
        if (!names.includes(name) && !STANDING_NAMES.includes(name))
          problems.push(`${code} names {${name}}, which is not given`)
      for (const name of names) if (!used.has(name ?? '')) problems.push(`${code} leaves {${name}} out`)
    } catch (error) {
      problems.push(`${code} does not parse: ${(error as Error).message}`)
    }
  }
  return problems
}
