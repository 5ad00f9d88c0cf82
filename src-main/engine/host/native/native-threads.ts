/**
 * One persistent thread pool for a context: without one, llama.cpp starts and joins its threads at every decode. Its
 * size is the most that may be used; using fewer costs nothing.
 */
import type { NativeLlama, Pointer } from './native-types.ts'

export interface ContextThreads {
  set(threads: number): void
  /** Before the context is freed. */
  dispose(): void
}

export function createThreads(native: NativeLlama, context: Pointer, most: number): ContextThreads {
  const pool = most > 1 ? native.ggml_threadpool_new(native.ggml_threadpool_params_default(most)) : null
  let [current, attached] = [0, false]

  function set(count: number): void {
    const threads = Math.max(1, Math.min(most, Math.floor(count)))
    if (threads === current) return
    current = threads
    // With one thread the pool would still be woken at every step; on a busy machine that costs more than the step.
    if (threads > 1 && pool !== null && !attached) native.llama_attach_threadpool(context, pool, pool)
    else if (threads === 1 && attached) native.llama_detach_threadpool(context)
    attached = threads > 1 && pool !== null
    native.llama_set_n_threads(context, threads, threads)
  }
  set(most)
  return {
    set,
    dispose() {
      if (attached) native.llama_detach_threadpool(context)
      if (pool !== null) native.ggml_threadpool_free(pool)
      attached = false
    },
  }
}
