/** The sizes of the benchmark's models. Their weights are random: speed does not depend on what a model says. */

export type WeightType = 'q8_0' | 'q4_0' | 'f16'
/** As `llama.pooling_type` of GGUF: how one vector comes of all tokens' (llama.cpp's `enum llama_pooling_type`). */
export type Pooling = 'mean' | 'cls' | 'last'

export interface ModelShape {
  embedding: number
  layers: number
  heads: number
  /** Heads of keys and values. */
  keyHeads: number
  feedForward: number
  vocabulary: number
  contextTokens: number
  /** The output matrix is the embedding matrix. */
  tied: boolean
}

export const PRESETS = {
  /** About 5 M parameters: what a token costs beside the arithmetic. */
  tiny: {
    embedding: 256,
    layers: 4,
    heads: 4,
    keyHeads: 2,
    feedForward: 768,
    vocabulary: 4_096,
    contextTokens: 8_192,
    tied: false,
  },
  /** About 41 M. */
  mini: {
    embedding: 512,
    layers: 8,
    heads: 8,
    keyHeads: 2,
    feedForward: 1_536,
    vocabulary: 32_000,
    contextTokens: 8_192,
    tied: true,
  },
  /** About 494 M, like Qwen2.5-0.5B: arithmetic and memory dominate. */
  small: {
    embedding: 896,
    layers: 24,
    heads: 14,
    keyHeads: 2,
    feedForward: 4_864,
    vocabulary: 151_936,
    contextTokens: 32_768,
    tied: true,
  },
} satisfies Record<string, ModelShape>
export type PresetName = keyof typeof PRESETS

export interface ShapeOptions {
  preset: PresetName
  type: WeightType
  seed: number
  /** Makes it a model that gives vectors. */
  pooling?: Pooling
}

export const POOLING_TYPE: Record<Pooling, number> = { mean: 1, cls: 2, last: 3 }
