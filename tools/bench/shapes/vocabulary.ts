/**
 * A vocabulary of SentencePiece's kind without training: control tokens, all bytes, then every word of one to four
 * small letters as far as the size goes.
 */

/** Control and byte tokens; their output rows are zero, so that greedy decoding never chooses one. */
export const SPECIAL_TOKENS = 261
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const LETTERS_MAX = 4
/** SentencePiece's mark of a word's beginning. */
const BEGIN = '\u2581'

export const TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

export interface ShapeVocabulary {
  tokens: string[]
  scores: number[]
  /** 1 normal, 2 unknown, 3 control, 6 byte (GGUF's `tokenizer.ggml.token_type`). */
  types: number[]
}

export function makeVocabulary(size: number): ShapeVocabulary {
  const made: ShapeVocabulary = { tokens: [], scores: [], types: [] }
  const add = (token: string, score: number, type: number): void => {
    made.tokens.push(token)
    made.scores.push(score)
    made.types.push(type)
  }
  add('<unk>', 0, 2)
  for (const control of ['<s>', '</s>', '<|im_start|>', '<|im_end|>']) add(control, 0, 3)
  for (let byte = 0; byte < 256; byte++) add(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 0, 6)
  add(BEGIN, -1_000, 1)
  for (let code = 33; code < 127; code++) add(String.fromCharCode(code), -1_000, 1)
  let shorter = ['']
  for (let length = 1; length <= LETTERS_MAX; length++) {
    const words: string[] = []
    for (const start of shorter) {
      for (const letter of LETTERS) {
        if (made.tokens.length >= size) return made
        words.push(start + letter)
        add(BEGIN + start + letter, 1 - length, 1)
      }
    }
    shorter = words
  }
  return made
}
