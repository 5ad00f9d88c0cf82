/** A loaded model's vocabulary, by llama.cpp's own functions: text to tokens, and the bytes of each token. */
import type { Vocabulary } from '../scheduler/step-model.ts'
import type { NativeLlama, Pointer } from './native-types.ts'

/** LLAMA_VOCAB_TYPE_SPM: the tokenizer puts a space before a text. */
const SPM = 1
const PIECE_BYTES = 256
const encoder = new TextEncoder()

/**
 * The token with which llama_tokenize ends a text when it adds special tokens: the separator of BERT-like models, else
 * the end token if the file asks for it.
 */
function endOf(native: NativeLlama, vocab: Pointer, eos: number): number | null {
  const sep = native.llama_vocab_sep(vocab)
  if (sep >= 0 && native.llama_vocab_get_add_sep(vocab)) return sep
  return eos >= 0 && native.llama_vocab_get_add_eos(vocab) ? eos : null
}

export function createNativeVocabulary(native: NativeLlama, model: Pointer): Vocabulary {
  const vocab = native.llama_model_get_vocab(model)
  const size = native.llama_vocab_n_tokens(vocab)
  const spm = native.llama_vocab_type(vocab) === SPM
  const textOf = (token: number): string => (token < 0 ? '' : (native.llama_vocab_get_text(vocab, token) ?? ''))
  const [bos, eos] = [native.llama_vocab_bos(vocab), native.llama_vocab_eos(vocab)]
  const pieces = new Map<number, Uint8Array>()
  const ends = new Uint8Array(size)
  for (let token = 0; token < size; token += 1) ends[token] = native.llama_vocab_is_eog(vocab, token) ? 1 : 0

  function run(text: string, special: boolean): number[] {
    if (text === '') return []
    const bytes = encoder.encode(text)
    let into = new Int32Array(bytes.length + 16)
    let count = native.llama_tokenize(vocab, bytes, bytes.length, into, into.length, false, special)
    if (count < 0) {
      into = new Int32Array(-count)
      count = native.llama_tokenize(vocab, bytes, bytes.length, into, into.length, false, special)
    }
    return Array.from(into.subarray(0, Math.max(0, count)))
  }
  const lineBreak = spm ? run('\n', true) : []

  /**
   * In the middle of a prompt no space may be added: the text is tokenized after a line break, whose tokens are then
   * removed.
   */
  function continued(text: string, special: boolean): number[] {
    if (!spm || text === '') return run(text, special)
    const tokens = run(`\n${text}`, special)
    return lineBreak.every((token, at) => tokens[at] === token) ? tokens.slice(lineBreak.length) : run(text, special)
  }

  function bytesOf(token: number): Uint8Array {
    const known = pieces.get(token)
    if (known !== undefined) return known
    let into = new Uint8Array(PIECE_BYTES)
    let count = native.llama_token_to_piece(vocab, token, into, into.length, 0, false)
    if (count < 0) {
      into = new Uint8Array(-count)
      count = native.llama_token_to_piece(vocab, token, into, into.length, 0, false)
    }
    const piece = into.slice(0, Math.max(0, count))
    pieces.set(token, piece)
    return piece
  }

  return {
    tokenize: (text, { begins = false } = {}) => (begins ? run(text, false) : continued(text, false)),
    tokenizeSpecial: (text, { begins = false } = {}) => (begins ? run(text, true) : continued(text, true)),
    begin: bos >= 0 && native.llama_vocab_get_add_bos(vocab) ? bos : null,
    end: endOf(native, vocab, eos),
    beginText: textOf(bos),
    endText: textOf(eos),
    chatTemplate: native.llama_model_chat_template(model, null),
    size,
    bytesOf,
    isEnd: (token) => ends[token] === 1,
    isControl: (token) => native.llama_vocab_is_control(vocab, token),
  }
}
