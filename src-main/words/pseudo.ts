/**
 * Pseudo-locales, made of the English catalogue: what still reads as plain English on a screen does not come from it,
 * what is cut off has no room for longer languages, and what stands on the wrong side does not know right-to-left.
 */
import type { MessageTree } from './words.ts'

const ACCENTS: Readonly<Record<string, string>> = {
  ...{ a: 'á', b: 'ƀ', c: 'ç', d: 'ð', e: 'é', f: 'ƒ', g: 'ĝ', h: 'ĥ', i: 'î', j: 'ĵ', k: 'ķ', l: 'ļ', m: 'ɱ' },
  ...{ n: 'ñ', o: 'ö', p: 'þ', q: 'ǫ', r: 'ŕ', s: 'š', t: 'ţ', u: 'û', v: 'ṽ', w: 'ŵ', x: 'ẋ', y: 'ý', z: 'ž' },
  ...{ A: 'Å', B: 'Ɓ', C: 'Ç', D: 'Ð', E: 'É', F: 'Ƒ', G: 'Ĝ', H: 'Ĥ', I: 'Î', J: 'Ĵ', K: 'Ķ', L: 'Ļ', M: 'Ṁ' },
  ...{ N: 'Ñ', O: 'Ö', P: 'Þ', Q: 'Ǫ', R: 'Ŕ', S: 'Š', T: 'Ţ', U: 'Û', V: 'Ṽ', W: 'Ŵ', X: 'Ẋ', Y: 'Ý', Z: 'Ž' },
}
const accented = (text: string): string => text.replaceAll(/[A-Za-z]/g, (letter) => ACCENTS[letter] ?? letter)
/** Vowels twice: about a third longer, as German and Finnish are. */
const longer = (text: string): string => accented(text.replaceAll(/[aeiou]/g, (vowel) => vowel + vowel))
/** Each word between marks that make it run from right to left. */
const mirrored = (text: string): string => text.replaceAll(/[A-Za-z]+/g, (word) => `\u200f\u202e${word}\u202c\u200f`)

/** Node types of ICU MessageFormat's tree (`TYPE` of the parser): 0 is literal text, 5 a select, 6 a plural. */
const LITERAL = 0

function eachLiteral(elements: MessageTree, change: (text: string) => string): MessageTree {
  return elements.map((element) => {
    if (element.type === LITERAL) return { ...element, value: change(element.value) }
    if (!('options' in element)) return element
    const options = Object.fromEntries(
      Object.entries(element.options).map(([name, option]) => [
        name,
        { ...option, value: eachLiteral(option.value, change) },
      ]),
    )
    return { ...element, options } as typeof element
  })
}

const literal = (value: string): MessageTree[number] => ({ type: LITERAL, value })

/** `[Ĥööɱéé]`: the brackets show where a message begins and ends. */
export const longWords = (message: MessageTree): MessageTree => [
  literal('['),
  ...eachLiteral(message, longer),
  literal(']'),
]
export const rightToLeft = (message: MessageTree): MessageTree => eachLiteral(message, mirrored)
