/**
 * Tensors of a llama model with uniform random weights, in llama.cpp's block formats. Source of the formats: ggml's
 * `block_q8_0`, `block_q4_0` (32 weights a block).
 */
import { SPECIAL_TOKENS } from './vocabulary.ts'

import type { ModelShape, WeightType } from './presets.ts'

type TensorType = WeightType | 'f32'
/** GGML's numbers for them. */
export const TYPE_ID: Record<TensorType, number> = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 }
const BLOCK = 32
const BLOCK_BYTES = { q8_0: 34, q4_0: 18 }

export interface Tensor {
  name: string
  dims: number[]
  type: TensorType
  count: number
  bytes: number
  /** The first so many weights are zero. */
  zeros: number
}

const bytesOf = (type: TensorType, count: number): number =>
  type === 'f32' ? count * 4 : type === 'f16' ? count * 2 : (count / BLOCK) * BLOCK_BYTES[type]

function tensor(name: string, dims: number[], type: TensorType, zeros = 0): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { name, dims, type, count, bytes: bytesOf(type, count), zeros }
}

export function tensorsOf(shape: ModelShape, type: WeightType): Tensor[] {
  const { embedding, layers, heads, keyHeads, feedForward, vocabulary, tied } = shape
  const width = embedding / heads
  const matrix = (name: string, from: number, to: number, zeroRows = 0): Tensor =>
    tensor(name, [from, to], type, zeroRows * from)
  const block = (at: string): Tensor[] => [
    tensor(`${at}attn_norm.weight`, [embedding], 'f32'),
    matrix(`${at}attn_q.weight`, embedding, heads * width),
    matrix(`${at}attn_k.weight`, embedding, keyHeads * width),
    matrix(`${at}attn_v.weight`, embedding, keyHeads * width),
    matrix(`${at}attn_output.weight`, heads * width, embedding),
    tensor(`${at}ffn_norm.weight`, [embedding], 'f32'),
    matrix(`${at}ffn_gate.weight`, embedding, feedForward),
    matrix(`${at}ffn_up.weight`, embedding, feedForward),
    matrix(`${at}ffn_down.weight`, feedForward, embedding),
  ]
  return [
    matrix('token_embd.weight', embedding, vocabulary, tied ? SPECIAL_TOKENS : 0),
    tensor('output_norm.weight', [embedding], 'f32'),
    ...(tied ? [] : [matrix('output.weight', embedding, vocabulary, SPECIAL_TOKENS)]),
    ...Array.from({ length: layers }, (_, layer) => block(`blk.${layer}.`)).flat(),
  ]
}

/** Marsaglia's xorshift32: the same file for the same seed, everywhere. */
export function xorshift(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state = (state ^ (state << 13)) >>> 0
    state ^= state >>> 17
    state = (state ^ (state << 5)) >>> 0
    return state
  }
}

const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)
/** IEEE 754 half of a number that is small and not NaN; rounds towards zero. */
function toHalf(value: number): number {
  single[0] = value
  const whole = bits[0]!
  const sign = (whole >>> 16) & 0x8000
  const exponent = ((whole >>> 23) & 255) - 112
  if (exponent > 0) return sign | (exponent << 10) | ((whole >>> 13) & 1023)
  return exponent < -10 ? sign : sign | (((whole & 0x7fffff) | 0x800000) >>> (14 - exponent))
}

function fillBlocks(into: Buffer, { count, zeros, type }: Tensor, amplitude: number, random: () => number): void {
  const size = type === 'q8_0' ? BLOCK_BYTES.q8_0 : BLOCK_BYTES.q4_0
  const scale = toHalf(amplitude / (type === 'q8_0' ? 127 : 8))
  for (let block = 0; block < count / BLOCK; block++) {
    const at = block * size
    if (block * BLOCK < zeros) {
      // 4-bit zero is 8; a zero scale makes the rest of both formats zero.
      if (type === 'q4_0') into.fill(0x88, at + 2, at + size)
      continue
    }
    into.writeUInt16LE(scale, at)
    for (let byte = 2; byte < size; byte += 4) {
      let word = random()
      for (let next = byte; next < Math.min(byte + 4, size); next++) {
        const low = word & 255
        into[at + next] = type === 'q8_0' && low === 128 ? 127 : low
        word >>>= 8
      }
    }
  }
}

/** The tensor's bytes. Norms are one; matrices are uniform with a deviation of 1/√width of their input. */
export function fill(tensor: Tensor, random: () => number): Buffer {
  const into = Buffer.alloc(tensor.bytes)
  if (tensor.type === 'f32') {
    for (let at = 0; at < tensor.count; at++) into.writeFloatLE(1, at * 4)
    return into
  }
  const amplitude = Math.sqrt(3 / tensor.dims[0]!)
  if (tensor.type === 'f16')
    for (let at = tensor.zeros; at < tensor.count; at++)
      into.writeUInt16LE(toHalf((random() / 2 ** 31 - 1) * amplitude), at * 2)
  else fillBlocks(into, tensor, amplitude, random)
  return into
}
