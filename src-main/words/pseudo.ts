/**
 * Pseudo-locales, made of the English catalogue: what still reads as plain English on a screen does not come from it,
 * what is cut off has no room for longer languages, and what stands on the wrong side does not know right-to-left.
 */
import { TYPE } from '@formatjs/icu-messageformat-parser'

import type { MessageTree } from './words.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const ACCENTED = 'áƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ'
const accented = (text: string): string =>
  text.replaceAll(/[A-Za-z]/g, (letter) => ACCENTED.charAt(LETTERS.indexOf(letter)))
/** Vowels twice: about a third longer, as German and Finnish are. */
const longer = (text: string): string => accented(text.replaceAll(/[aeiou]/g, (vowel) => vowel + vowel))
/** Each word between marks that make it run from right to left. */
const mirrored = (text: string): string => text.replaceAll(/[A-Za-z]+/g, (word) => `\u200f\u202e${word}\u202c\u200f`)

function eachLiteral(elements: MessageTree, change: (text: string) => string): MessageTree {
  return elements.map((element) => {
    if (element.type === TYPE.literal) return { ...element, value: change(element.value) }
    if (!('options' in element)) return element
    const options = Object.fromEntries(
      Object.entries(element.options).map(([name, option]) => [
        name,
        { ...option, value: eachLiteral(option.value, change) },
      ]),
    )
    return { ...element, options }
  })
}

const literal = (value: string): MessageTree[number] => ({ type: TYPE.literal, value })

/** `[Ĥööɱéé]`: the brackets show where a message begins and ends. */
export const longWords = (message: MessageTree): MessageTree => [
  literal('['),
  ...eachLiteral(message, longer),
  literal(']'),
]
export const rightToLeft = (message: MessageTree): MessageTree => eachLiteral(message, mirrored)
