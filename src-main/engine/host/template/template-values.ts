/**
 * What a chat template gets instead of the users' texts: placeholders, which are replaced in the rendered prompt. Only
 * strings that cannot form a control token (names, types, plain words of a tool's definition) pass as they are, because
 * templates compare them.
 */

/**
 * Private-use characters around a number and a tab. The escaping of the tab shows how often the template turned the
 * value into JSON; inside the brackets nothing trims it.
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

/** `once`: the template must render it exactly once. */
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

  /** Any JSON value, with every string in it that might form a control token behind a placeholder. Its depth is bounded. */
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
    const split = rendered.split(PLACEHOLDER)
    for (let at = 0; at < split.length; at += 3) {
      parts.push({ text: split[at] ?? '', control: true })
      if (at + 1 >= split.length) break
      const index = Number(split[at + 1])
      const kept = this.#kept[index]
      if (kept === undefined || (kept.once && seen.has(index))) return null
      seen.add(index)
      // One backslash for JSON once, twice as many for each further time.
      const backslashes = (split[at + 2] ?? '').length - 1
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
