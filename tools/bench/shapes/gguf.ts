/** Writes a GGUF file. Source of the format: ggml/docs/gguf.md, version 3. */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'

import { POOLING_TYPE, PRESETS, type ShapeOptions } from './presets.ts'
import { TYPE_ID, fill, tensorsOf, xorshift } from './tensors.ts'
import { TEMPLATE, makeVocabulary } from './vocabulary.ts'

const ALIGNMENT = 32
const KIND = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9 } as const
type Scalar = 'u32' | 'i32' | 'f32' | 'bool' | 'text'
type Entry =
  | { key: string; kind: Scalar; value: number | boolean | string }
  | { key: string; kind: 'list'; of: Scalar; values: readonly (number | string)[] }

const FILE_TYPE = { f16: 1, q4_0: 2, q8_0: 7 }

const u32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}
const u64 = (value: number): Buffer => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer
}
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'utf8')
  return Buffer.concat([u64(bytes.length), bytes])
}
function scalar(kind: Scalar, value: number | boolean | string): Buffer {
  if (kind === 'text') return text(String(value))
  if (kind === 'bool') return Buffer.from([value === true ? 1 : 0])
  const buffer = Buffer.alloc(4)
  if (kind === 'f32') buffer.writeFloatLE(Number(value))
  else if (kind === 'i32') buffer.writeInt32LE(Number(value))
  else buffer.writeUInt32LE(Number(value))
  return buffer
}
const entryBytes = (entry: Entry): Buffer =>
  entry.kind === 'list'
    ? Buffer.concat([
        text(entry.key),
        u32(KIND.list),
        u32(KIND[entry.of]),
        u64(entry.values.length),
        ...entry.values.map((value) => scalar(entry.of, value)),
      ])
    : Buffer.concat([text(entry.key), u32(KIND[entry.kind]), scalar(entry.kind, entry.value)])

function entriesOf({ preset, type, pooling }: ShapeOptions): Entry[] {
  const { embedding, layers, heads, keyHeads, feedForward, vocabulary, contextTokens } = PRESETS[preset]
  const words = makeVocabulary(vocabulary)
  const number = (key: string, value: number): Entry => ({ key, kind: 'u32', value })
  const string = (key: string, value: string): Entry => ({ key, kind: 'text', value })
  const yes = (key: string, value: boolean): Entry => ({ key, kind: 'bool', value })
  return [
    string('general.architecture', 'llama'),
    string('general.type', 'model'),
    string('general.name', `random-${preset}-${type}`),
    number('general.file_type', FILE_TYPE[type]),
    number('general.quantization_version', 2),
    number('llama.vocab_size', vocabulary),
    number('llama.context_length', contextTokens),
    number('llama.embedding_length', embedding),
    number('llama.block_count', layers),
    number('llama.feed_forward_length', feedForward),
    number('llama.attention.head_count', heads),
    number('llama.attention.head_count_kv', keyHeads),
    number('llama.attention.key_length', embedding / heads),
    number('llama.attention.value_length', embedding / heads),
    { key: 'llama.attention.layer_norm_rms_epsilon', kind: 'f32', value: 1e-5 },
    number('llama.rope.dimension_count', embedding / heads),
    { key: 'llama.rope.freq_base', kind: 'f32', value: 10_000 },
    ...(pooling === undefined ? [] : [number('llama.pooling_type', POOLING_TYPE[pooling])]),
    string('tokenizer.ggml.model', 'llama'),
    string('tokenizer.ggml.pre', 'default'),
    { key: 'tokenizer.ggml.tokens', kind: 'list', of: 'text', values: words.tokens },
    { key: 'tokenizer.ggml.scores', kind: 'list', of: 'f32', values: words.scores },
    { key: 'tokenizer.ggml.token_type', kind: 'list', of: 'i32', values: words.types },
    number('tokenizer.ggml.bos_token_id', 1),
    number('tokenizer.ggml.eos_token_id', 4),
    number('tokenizer.ggml.unknown_token_id', 0),
    yes('tokenizer.ggml.add_bos_token', true),
    yes('tokenizer.ggml.add_eos_token', false),
    yes('tokenizer.ggml.add_space_prefix', true),
    string('tokenizer.chat_template', TEMPLATE),
  ]
}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Writes the shape to `path`, whole or not at all. Equal options give equal bytes. */
export function writeShape(path: string, options: ShapeOptions): void {
  const tensors = tensorsOf(PRESETS[options.preset], options.type)
  const entries = entriesOf(options)
  const head = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length), ...entries.map(entryBytes)]
  let offset = 0
  for (const { name, dims, type, bytes } of tensors) {
    head.push(text(name), u32(dims.length), ...dims.map(u64), u32(TYPE_ID[type]), u64(offset))
    offset += padded(bytes)
  }
  const header = Buffer.concat(head)
  const partial = `${path}.partial`
  const file = openSync(partial, 'w')
  try {
    writeSync(file, Buffer.concat([header, Buffer.alloc(padded(header.length) - header.length)]))
    const random = xorshift(options.seed)
    for (const tensor of tensors) {
      writeSync(file, fill(tensor, random))
      writeSync(file, Buffer.alloc(padded(tensor.bytes) - tensor.bytes))
    }
  } finally {
    closeSync(file)
  }
  renameSync(partial, path)
}
