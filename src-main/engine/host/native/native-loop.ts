/**
 * The native step loop: one llama_decode for all items, then sampling, on this thread. The process handles no messages
 * meanwhile; the scheduler keeps steps short and handles messages between them.
 */
import { fail } from '#contract/errors.ts'

import { createBatch } from './native-batch.ts'
import { createEmbedder } from './native-embed.ts'
import { createCandidates, createNativeSampler, type NativeSampler } from './native-sampler.ts'
import { createThreads } from './native-threads.ts'
import type { NativeLlama, Pointer } from './native-types.ts'
import type { SavedState, StepItem, StepLoop, StepSampler, Vocabulary } from '../scheduler/step-model.ts'

export interface NativeLoopOptions {
  model: Pointer
  context: Pointer
  vocabulary: Vocabulary
  slots: number
  /** Most tokens of one step. */
  capacity: number
  contextTokens: number
  threads: number
}

class SavedBytes implements SavedState {
  data: Uint8Array | null
  readonly tokens: number
  constructor(data: Uint8Array, tokens: number) {
    this.data = data
    this.tokens = tokens
  }
  get bytes(): number {
    return this.data?.byteLength ?? 0
  }
  dispose(): void {
    this.data = null
  }
}

/** End-of-generation and control tokens: a request that masks the end never samples them. */
function maskedTokens(vocabulary: Vocabulary): number[] {
  return Array.from({ length: vocabulary.size }, (_, token) => token).filter(
    (token) => vocabulary.isEnd(token) || vocabulary.isControl(token),
  )
}

export function createNativeLoop(native: NativeLlama, options: NativeLoopOptions): StepLoop & { dispose(): void } {
  const { model, context, vocabulary } = options
  const memory = native.llama_get_memory(context)
  const batch = createBatch(native, options.capacity)
  const threads = createThreads(native, context, options.threads)
  const embedder = createEmbedder(native, model, options)
  const candidates = createCandidates(native, vocabulary.size)
  const sampling = {
    vocab: native.llama_model_get_vocab(model),
    vocabulary,
    masked: maskedTokens(vocabulary),
    candidates,
  }

  const kvTokens = (slot: number): number => native.llama_memory_seq_pos_max(memory, slot) + 1
  const forget = (slot: number): void => void native.llama_memory_seq_rm(memory, slot, -1, -1)
  function truncate(slot: number, count: number): number {
    if (count > 0 && native.llama_memory_seq_rm(memory, slot, count, -1)) return Math.min(count, kvTokens(slot))
    forget(slot)
    return 0
  }
  function saveNow(slot: number): SavedBytes | null {
    const size = native.llama_state_seq_get_size(context, slot)
    if (size === 0) return null
    const data = new Uint8Array(size)
    const written = native.llama_state_seq_get_data(context, data, size, slot)
    return written === 0 ? null : new SavedBytes(data, kvTokens(slot))
  }
  function restoreNow(slot: number, { data }: SavedBytes): boolean {
    forget(slot)
    if (data !== null && native.llama_state_seq_set_data(context, data, data.byteLength, slot) > 0) return true
    forget(slot)
    return false
  }

  return {
    kind: 'native',
    async step(items: readonly StepItem[]) {
      const filled = batch.put(items)
      const code = native.llama_decode(context, filled.batch)
      if (code !== 0) throw fail('engine.stepFailed', { code, log: native.takeLog().slice(-200) })
      return items.map(({ sampler }, at) =>
        sampler === null ? null : (sampler as StepSampler & NativeSampler).sample(context, filled.lastAt[at] ?? 0),
      )
    },
    keep: async (slot, count) => truncate(slot, count),
    /**
     * Through a saved state: llama.cpp's own copy between sequences is deferred to the next decode, after other reads and
     * writes of the same slots.
     */
    async copy(from, to, count) {
      const tokens = kvTokens(from)
      if (tokens === 0 || count === 0) return truncate(to, 0)
      const saved = saveNow(from)
      return saved === null || !restoreNow(to, saved) ? 0 : truncate(to, Math.min(count, tokens))
    },
    save: async (slot) => saveNow(slot),
    restore: async (slot, saved) => saved instanceof SavedBytes && restoreNow(slot, saved),
    sampler: async (options) => createNativeSampler(native, sampling, options),
    setThreads: (count) => threads.set(count),
    embed: async (tokens) => embedder.embed(tokens),
    dispose() {
      embedder.dispose()
      threads.dispose()
      native.llama_free(context)
      batch.dispose()
      candidates.dispose()
    },
  }
}
