/** Embeddings: a context of its own beside that of the slots, created at the first call; one text at a time. */
import { fail } from '#contract/errors.ts'

import { createBatch, type StepBatch } from './native-batch.ts'
import type { NativeLlama, Pointer } from './native-types.ts'

/** Of one text. */
export const EMBED_TOKENS_MAX = 2_048
/** LLAMA_POOLING_TYPE_UNSPECIFIED: the model's own. */
const POOLING_OF_MODEL = -1

export interface Embedder {
  /** Errors: MODEL_UNSUPPORTED, CONTEXT_TOO_LONG, ENGINE_OUT_OF_MEMORY. */
  embed(tokens: readonly number[]): number[]
  dispose(): void
}

/** The model's pooling type, which makes one vector of all tokens'; 0 or empty: it gives no embeddings. */
function pooling(native: NativeLlama, model: Pointer): string {
  const read = (key: string): string => {
    const into = new Uint8Array(128)
    const length = native.llama_model_meta_val_str(model, key, into, into.length)
    return length <= 0 ? '' : Buffer.from(into.subarray(0, Math.min(length, into.length - 1))).toString('utf8')
  }
  return read(`${read('general.architecture')}.pooling_type`)
}

export function createEmbedder(
  native: NativeLlama,
  model: Pointer,
  options: { contextTokens: number; threads: number },
): Embedder {
  let made: { context: Pointer; batch: StepBatch; size: number } | null = null

  function ready(): NonNullable<typeof made> {
    if (made !== null) return made
    if (['', '0'].includes(pooling(native, model))) throw fail('embed.noPooling')
    const size = Math.min(EMBED_TOKENS_MAX, options.contextTokens)
    const context = native.llama_init_from_model(model, {
      ...native.llama_context_default_params(),
      n_ctx: size,
      n_batch: size,
      n_ubatch: size,
      n_seq_max: 1,
      n_threads: options.threads,
      n_threads_batch: options.threads,
      embeddings: true,
      pooling_type: POOLING_OF_MODEL,
      no_perf: true,
    })
    if (context === null) throw fail('embed.noMemory')
    made = { context, size, batch: createBatch(native, size) }
    return made
  }

  return {
    embed(tokens) {
      const { context, batch, size } = ready()
      if (tokens.length > size)
        throw fail(
          'embed.textTooLong',
          { tokens: tokens.length, max: size },
          {
            data: { contextTokens: size, needed: tokens.length },
          },
        )
      native.llama_memory_seq_rm(native.llama_get_memory(context), 0, -1, -1)
      const sampler = { dispose: () => undefined }
      const { batch: filled } = batch.put([{ slot: 0, position: 0, tokens, sampler }])
      const encodes = native.llama_model_has_encoder(model) && !native.llama_model_has_decoder(model)
      const code = encodes ? native.llama_encode(context, filled) : native.llama_decode(context, filled)
      const at = code === 0 ? native.llama_get_embeddings_seq(context, 0) : null
      if (at === null) throw fail('embed.failed', { code })
      const vector = new Float32Array(native.llama_model_n_embd_out(model))
      native.copyOut(vector, at, vector.byteLength)
      const length = Math.hypot(...vector) || 1
      return Array.from(vector, (value) => value / length)
    },
    dispose() {
      if (made === null) return
      native.llama_free(made.context)
      made.batch.dispose()
      made = null
    },
  }
}
