/**
 * The functions and structs of llama.cpp that are used, as TypeScript types. Pointers are addresses; 0n is null. Source:
 * include/llama.h and ggml/include/*.h of the release named in native-library.ts.
 */

export type Pointer = bigint

export interface ModelParams {
  n_gpu_layers: number
  vocab_only: boolean
  [field: string]: unknown
}
export interface ContextParams {
  n_ctx: number
  n_batch: number
  n_ubatch: number
  n_seq_max: number
  n_threads: number
  n_threads_batch: number
  pooling_type: number
  flash_attn_type: number
  type_k: number
  type_v: number
  embeddings: boolean
  kv_unified: boolean
  no_perf: boolean
  [field: string]: unknown
}
export interface Batch {
  n_tokens: number
  token: Pointer
  embd: Pointer | null
  pos: Pointer
  n_seq_id: Pointer
  seq_id: Pointer
  logits: Pointer
}
export interface PoolParams {
  n_threads: number
  poll: number
  [field: string]: unknown
}

export interface NativeLlama {
  llama_model_default_params(): ModelParams
  llama_context_default_params(): ContextParams
  ggml_threadpool_params_default(threads: number): PoolParams
  llama_model_load_from_file(path: string, params: ModelParams): Pointer | null
  llama_model_free(model: Pointer): void
  llama_init_from_model(model: Pointer, params: ContextParams): Pointer | null
  llama_free(context: Pointer): void
  llama_get_memory(context: Pointer): Pointer
  llama_n_ctx_seq(context: Pointer): number
  llama_set_n_threads(context: Pointer, decode: number, batch: number): void
  llama_attach_threadpool(context: Pointer, decode: Pointer, batch: Pointer): void
  llama_detach_threadpool(context: Pointer): void
  /** 0 is success; 1 means no room in the KV cache; anything else is a failure. */
  llama_decode(context: Pointer, batch: Batch): number
  llama_encode(context: Pointer, batch: Batch): number
  llama_get_logits_ith(context: Pointer, index: number): Pointer | null
  llama_get_embeddings_seq(context: Pointer, sequence: number): Pointer | null
  llama_memory_seq_rm(memory: Pointer, sequence: number, from: number, to: number): boolean
  llama_memory_seq_pos_max(memory: Pointer, sequence: number): number
  llama_state_seq_get_size(context: Pointer, sequence: number): number
  llama_state_seq_get_data(context: Pointer, into: Uint8Array, size: number, sequence: number): number
  llama_state_seq_set_data(context: Pointer, from: Uint8Array, size: number, sequence: number): number
  llama_model_get_vocab(model: Pointer): Pointer
  llama_model_n_ctx_train(model: Pointer): number
  llama_model_n_embd_out(model: Pointer): number
  llama_model_has_encoder(model: Pointer): boolean
  llama_model_has_decoder(model: Pointer): boolean
  llama_model_chat_template(model: Pointer, name: string | null): string | null
  llama_model_meta_val_str(model: Pointer, key: string, into: Uint8Array, size: number): number
  llama_vocab_n_tokens(vocab: Pointer): number
  llama_vocab_type(vocab: Pointer): number
  llama_vocab_bos(vocab: Pointer): number
  llama_vocab_eos(vocab: Pointer): number
  llama_vocab_get_add_bos(vocab: Pointer): boolean
  llama_vocab_sep(vocab: Pointer): number
  llama_vocab_get_add_eos(vocab: Pointer): boolean
  llama_vocab_get_add_sep(vocab: Pointer): boolean
  llama_vocab_get_text(vocab: Pointer, token: number): string | null
  llama_vocab_is_eog(vocab: Pointer, token: number): boolean
  llama_vocab_is_control(vocab: Pointer, token: number): boolean
  llama_tokenize(
    vocab: Pointer,
    text: Uint8Array,
    bytes: number,
    into: Int32Array,
    max: number,
    addSpecial: boolean,
    parseSpecial: boolean,
  ): number
  llama_token_to_piece(
    vocab: Pointer,
    token: number,
    into: Uint8Array,
    bytes: number,
    strip: number,
    special: boolean,
  ): number
  llama_sampler_chain_init(params: { no_perf: boolean }): Pointer
  llama_sampler_chain_add(chain: Pointer, sampler: Pointer): void
  llama_sampler_free(sampler: Pointer): void
  llama_sampler_accept(sampler: Pointer, token: number): void
  llama_sampler_apply(sampler: Pointer, candidates: Pointer): void
  llama_sampler_sample(chain: Pointer, context: Pointer, index: number): number
  llama_sampler_init_greedy(): Pointer
  llama_sampler_init_dist(seed: number): Pointer
  llama_sampler_init_top_k(k: number): Pointer
  llama_sampler_init_top_p(p: number, keep: number): Pointer
  llama_sampler_init_min_p(p: number, keep: number): Pointer
  llama_sampler_init_temp(temperature: number): Pointer
  llama_sampler_init_penalties(
    vocabulary: number,
    last: number,
    repeat: number,
    frequency: number,
    presence: number,
  ): Pointer
  llama_sampler_init_logit_bias(vocabulary: number, count: number, biases: Uint8Array): Pointer
  llama_sampler_init_grammar(vocab: Pointer, gbnf: string, root: string): Pointer | null
  ggml_backend_load_all_from_path(path: string): void
  ggml_backend_dev_count(): number
  ggml_backend_dev_get(index: number): Pointer
  ggml_backend_dev_type(device: Pointer): number
  ggml_backend_dev_description(device: Pointer): string
  /** What the backend says of a device; `pci` null where it says none. Bytes. */
  deviceFacts(device: Pointer): { backend: string; freeBytes: number; totalBytes: number; pci: string | null }
  /** Of the CPU backend, looked up by name. */
  ggml_threadpool_new(params: PoolParams): Pointer | null
  ggml_threadpool_free(pool: Pointer): void

  /** `count` elements of native memory, zeroed by the caller; freed with the process. */
  allocate(type: 'int32' | 'int8' | 'uint64' | 'float', count: number): Pointer
  release(pointer: Pointer): void
  /** memcpy in either direction; one side is JavaScript's. */
  copyIn(to: Pointer, from: NodeJS.TypedArray, bytes: number): void
  copyOut(to: NodeJS.TypedArray, from: Pointer, bytes: number): void
  /** What the library said since the last call (warnings and errors), shortened. */
  takeLog(): string
}
