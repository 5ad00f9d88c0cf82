/**
 * A vocabulary through node-llama-cpp's public API. The API gives texts only, so the bytes of each token are taken from
 * the file's own token list.
 */
import type { LlamaModel, Token } from 'node-llama-cpp'

import type { Vocabulary } from '../scheduler/step-model.ts'

/** enum llama_token_type. */
const TYPES = { unknown: 2, control: 3, userDefined: 4, unused: 5 } as const

/** Characters of a byte-level vocabulary and the bytes they stand for. Source: GPT-2, encoder.py, bytes_to_unicode. */
function byteLevel(): ReadonlyMap<string, number> {
  const plain = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let other = 256
  return new Map(Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(plain(byte) ? byte : other++), byte]))
}

export function createPublicVocabulary(model: LlamaModel): Vocabulary {
  const { ggml, chat_template: chatTemplate } = model.fileInfo.metadata.tokenizer
  const { tokens: texts, token_type: types } = ggml as unknown as {
    tokens: readonly string[]
    token_type?: readonly number[]
  }
  const kind: string = ggml.model
  const levels = byteLevel()
  const { bos, eos, sep, shouldAppendEosToken, shouldPrependBosToken, bosString, eosString } = model.tokens
  const encoder = new TextEncoder()
  const isControl = (token: number): boolean => model.getTokenAttributes(token as Token).control
  const option = (begins: boolean | undefined): 'trimLeadingSpace' | undefined =>
    begins === true ? undefined : 'trimLeadingSpace'

  function bytesOf(token: number): Uint8Array {
    const text = texts[token] ?? ''
    const type = types?.[token] ?? 1
    if (text === '' || isControl(token) || type === TYPES.unknown || type === TYPES.control || type === TYPES.unused)
      return new Uint8Array()
    if (type === TYPES.userDefined) return encoder.encode(text)
    if (kind === 'gpt2') return Uint8Array.from(Array.from(text, (character) => levels.get(character) ?? 0x3f))
    const byte = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1]
    return byte === undefined
      ? encoder.encode(text.replaceAll('\u2581', ' '))
      : Uint8Array.of(Number.parseInt(byte, 16))
  }

  return {
    tokenize: (text, { begins } = {}) => model.tokenize(text, false, option(begins)),
    tokenizeSpecial: (text, { begins } = {}) => model.tokenize(text, true, option(begins)),
    begin: shouldPrependBosToken ? bos : null,
    end: kind === 'bert' && sep !== null ? sep : shouldAppendEosToken ? eos : null,
    beginText: bosString ?? '',
    endText: eosString ?? '',
    chatTemplate: typeof chatTemplate === 'string' && chatTemplate !== '' ? chatTemplate : null,
    size: texts.length,
    bytesOf,
    isEnd: (token) => model.isEogToken(token as Token),
    isControl,
  }
}
