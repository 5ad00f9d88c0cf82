/**
 * What a chat template is given instead of the users' texts: placeholders, cut out of the rendered prompt afterwards.
 * Only strings that no control token can be made of (names, types, plain words of a tool's definition) go through as
 * they are, because templates look at them.
 */

/**
 * Private-use characters around a number; the tab shows how often the template turned the value into JSON, and is
 * inside, where nothing trims it.
 */
const START = '\uE0F1'
const END = '\uE0F2'
const PLACEHOLDER = /\uE0F1(\d+)(\t|\\+t)\uE0F2/
/** Without brackets, bars, angles and anything beyond ASCII. */
const HARMLESS = /^[\w .,:;()'/?!-]*$/

export interface PromptPart {
  text: string
  /** Template text, in which the names of control tokens are control tokens. Otherwise plain text. */
  control: boolean
}

/** `once`: the template must show it, and not twice. */
interface Kept {
  text: string
  once: boolean
}

const jsonInner = (text: string, times: number): string =>
  times === 0 ? text : jsonInner(JSON.stringify(text).slice(1, -1), times - 1)

export class TemplateValues {
  readonly #kept: Kept[] = []

  /** A message's content. */
  content(text: string, once = true): string {
    this.#kept.push({ text, once })
    return `${START}${this.#kept.length - 1}\t${END}`
  }

  /** Anything JSON, with every string in it that might hurt behind a placeholder. Depth was bounded before. */
  harmless(value: unknown): unknown {
    if (typeof value === 'string') return HARMLESS.test(value) ? value : this.content(value, false)
    if (Array.isArray(value)) return value.map((one) => this.harmless(one))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        HARMLESS.test(key) ? key : this.content(key, false),
        this.harmless(one),
      ]),
    )
  }

  /** The prompt's parts in order; null when the template dropped or repeated a message's content. */
  parts(rendered: string): PromptPart[] | null {
    const seen = new Set<number>()
    const parts: PromptPart[] = []
    const pieces = rendered.split(PLACEHOLDER)
    for (let at = 0; at < pieces.length; at += 3) {
      parts.push({ text: pieces[at] ?? '', control: true })
      if (at + 1 >= pieces.length) break
      const index = Number(pieces[at + 1])
      const kept = this.#kept[index]
      if (kept === undefined || (kept.once && seen.has(index))) return null
      seen.add(index)
      // One backslash for the first JSON text, twice as many for each further one.
      const backslashes = (pieces[at + 2] ?? '').length - 1
      parts.push({
        text: jsonInner(kept.text, backslashes === 0 ? 0 : Math.min(3, Math.log2(backslashes) + 1)),
        control: false,
      })
    }
    return this.#kept.every((kept, index) => !kept.once || seen.has(index))
      ? parts.filter((part) => part.text !== '')
      : null
  }
}
