/**
 * The declarations of llama.cpp that are used, in C. Source: include/llama.h, ggml/include/ggml.h and
 * ggml-backend.h of llama.cpp v0.5.0 (ggml 0.25.1), which node-llama-cpp 3.22.1 ships.
 */

export const NATIVE_VERSIONS = { ggml: '0.25.1', llama: '0.5.0' } as const

/** Fields in order; enums are ints, pointers to anything are `void *`. */
export const STRUCTS = {
  llama_model_params: `
    void *devices; void *tensor_buft_overrides; int32_t n_gpu_layers; int split_mode; int load_mode; int lazy_mode; int32_t main_gpu; void *tensor_split; void *progress_callback;
    void *progress_callback_user_data; void *kv_overrides; bool vocab_only; bool check_tensors; bool use_extra_bufts; bool no_host; bool no_alloc; bool load_mtp`,
  llama_context_params: `
    uint32_t n_ctx; uint32_t n_batch; uint32_t n_ubatch; uint32_t n_seq_max; uint32_t n_rs_seq; uint32_t n_outputs_max; uint32_t n_outputs_max_per_seq; int32_t n_threads; int32_t n_threads_batch;
    int ctx_type; int rope_scaling_type; int pooling_type; int attention_type; int flash_attn_type; float rope_freq_base; float rope_freq_scale; float yarn_ext_factor; float yarn_attn_factor;
    float yarn_beta_fast; float yarn_beta_slow; uint32_t yarn_orig_ctx; float defrag_thold; void *cb_eval; void *cb_eval_user_data; int type_k; int type_v; void *abort_callback;
    void *abort_callback_data; bool embeddings; bool offload_kqv; bool no_perf; bool op_offload; bool swa_full; bool kv_unified; void *samplers; size_t n_samplers; void *ctx_other`,
  llama_batch: 'int32_t n_tokens; void *token; void *embd; void *pos; void *n_seq_id; void *seq_id; void *logits',
  llama_sampler_chain_params: 'bool no_perf',
} as const

export const LLAMA_FUNCTIONS = `
  void llama_backend_init()
  const char *llama_version()
  llama_model_params llama_model_default_params()
  llama_context_params llama_context_default_params()
  void *llama_model_load_from_file(const char *path, llama_model_params params)
  void llama_model_free(void *model)
  void *llama_init_from_model(void *model, llama_context_params params)
  void llama_free(void *ctx)
  void *llama_get_memory(void *ctx)
  uint32_t llama_n_ctx_seq(void *ctx)
  void llama_set_n_threads(void *ctx, int32_t n_threads, int32_t n_threads_batch)
  void llama_attach_threadpool(void *ctx, void *pool, void *pool_batch)
  void llama_detach_threadpool(void *ctx)
  int32_t llama_decode(void *ctx, llama_batch batch)
  int32_t llama_encode(void *ctx, llama_batch batch)
  void *llama_get_logits_ith(void *ctx, int32_t i)
  void *llama_get_embeddings_seq(void *ctx, int32_t seq_id)
  bool llama_memory_seq_rm(void *mem, int32_t seq_id, int32_t p0, int32_t p1)
  int32_t llama_memory_seq_pos_max(void *mem, int32_t seq_id)
  size_t llama_state_seq_get_size(void *ctx, int32_t seq_id)
  size_t llama_state_seq_get_data(void *ctx, void *dst, size_t size, int32_t seq_id)
  size_t llama_state_seq_set_data(void *ctx, void *src, size_t size, int32_t dest_seq_id)
  void *llama_model_get_vocab(void *model)
  int32_t llama_model_n_ctx_train(void *model)
  int32_t llama_model_n_embd_out(void *model)
  bool llama_model_has_encoder(void *model)
  bool llama_model_has_decoder(void *model)
  const char *llama_model_chat_template(void *model, const char *name)
  int32_t llama_model_meta_val_str(void *model, const char *key, void *buf, size_t buf_size)
  int32_t llama_vocab_n_tokens(void *vocab)
  int llama_vocab_type(void *vocab)
  int32_t llama_vocab_bos(void *vocab)
  int32_t llama_vocab_eos(void *vocab)
  bool llama_vocab_get_add_bos(void *vocab)
  int32_t llama_vocab_sep(void *vocab)
  bool llama_vocab_get_add_eos(void *vocab)
  bool llama_vocab_get_add_sep(void *vocab)
  const char *llama_vocab_get_text(void *vocab, int32_t token)
  bool llama_vocab_is_eog(void *vocab, int32_t token)
  bool llama_vocab_is_control(void *vocab, int32_t token)
  int32_t llama_tokenize(void *vocab, void *text, int32_t text_len, void *tokens, int32_t n_tokens_max, bool add_special, bool parse_special)
  int32_t llama_token_to_piece(void *vocab, int32_t token, void *buf, int32_t length, int32_t lstrip, bool special)
  void *llama_sampler_chain_init(llama_sampler_chain_params params)
  void llama_sampler_chain_add(void *chain, void *smpl)
  void llama_sampler_free(void *smpl)
  void llama_sampler_accept(void *smpl, int32_t token)
  void llama_sampler_apply(void *smpl, void *cur_p)
  int32_t llama_sampler_sample(void *smpl, void *ctx, int32_t idx)
  void *llama_sampler_init_greedy()
  void *llama_sampler_init_dist(uint32_t seed)
  void *llama_sampler_init_top_k(int32_t k)
  void *llama_sampler_init_top_p(float p, size_t min_keep)
  void *llama_sampler_init_min_p(float p, size_t min_keep)
  void *llama_sampler_init_temp(float t)
  void *llama_sampler_init_penalties(int32_t n_vocab, int32_t last_n, float repeat, float freq, float present)
  void *llama_sampler_init_logit_bias(int32_t n_vocab, int32_t n_logit_bias, void *logit_bias)
  void *llama_sampler_init_grammar(void *vocab, const char *grammar_str, const char *grammar_root)`

export const GGML_FUNCTIONS = `
  void ggml_backend_load_all_from_path(const char *dir_path)
  size_t ggml_backend_dev_count()
  void *ggml_backend_dev_get(size_t index)
  void *ggml_backend_dev_by_type(int type)`

export const BASE_FUNCTIONS = `
  const char *ggml_version()
  int ggml_backend_dev_type(void *device)
  const char *ggml_backend_dev_description(void *device)
  void *ggml_backend_dev_backend_reg(void *device)
  void ggml_backend_dev_memory(void *device, _Out_ size_t *free, _Out_ size_t *total)
  void ggml_backend_dev_get_props(void *device, void *props)
  const char *ggml_backend_reg_name(void *reg)
  void *ggml_backend_reg_get_proc_address(void *reg, const char *name)`

/** Defaults that only a struct read at the right offsets has; JSON, so that a line holds many. */
export const MODEL_DEFAULTS = JSON.parse(`{
  "devices": null, "n_gpu_layers": -1, "split_mode": 1, "load_mode": -1, "lazy_mode": 1, "main_gpu": 0, "kv_overrides": null, "vocab_only": false, "check_tensors": false,
  "use_extra_bufts": true, "no_host": false, "no_alloc": false }`) as Readonly<Record<string, unknown>>
export const CONTEXT_DEFAULTS = JSON.parse(`{
  "n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1, "n_threads": 4, "n_threads_batch": 4, "rope_scaling_type": -1, "pooling_type": -1, "attention_type": -1, "flash_attn_type": -1,
  "rope_freq_base": 0, "yarn_ext_factor": -1, "defrag_thold": -1, "cb_eval": null, "type_k": 1, "type_v": 1, "abort_callback": null, "embeddings": false, "offload_kqv": true, "no_perf": true,
  "op_offload": true, "swa_full": true, "kv_unified": false, "samplers": null, "n_samplers": 0, "ctx_other": null }`) as Readonly<
  Record<string, unknown>
>
