/**
 * Whether a GGUF is a model that can be served, by its header: refused here, at the import, and not by a load that fails
 * or aborts. Keys: docs/gguf.md of ggml; adapters and projectors from before `general.type` by the keys their
 * converters always wrote (convert_lora_to_gguf.py, clip.cpp of llama.cpp).
 */
import { fail } from '#contract/errors.ts'

import type { GgufHeader } from './gguf-header.ts'

/** The text of a key; null when it is missing or empty. At most 300 characters. */
export const headerText = ({ metadata }: Pick<GgufHeader, 'metadata'>, key: string): string | null => {
  const value = metadata.get(key)
  return typeof value === 'string' && value !== '' ? value.slice(0, 300) : null
}

/** llama.cpp's names for a vocabulary that is not there. */
const NO_TOKENIZER: readonly (string | null)[] = [null, 'none', 'no_vocab']

/**
 * The architecture. `tensors`: of all parts of a split model. Error MODEL_UNSUPPORTED: an adapter, a projector or
 * another part of a model; no architecture, no tensors, no tokenizer.
 */
export function checkKind(header: GgufHeader, tensors: number, path: string): string {
  const architecture = headerText(header, 'general.architecture')
  const kind = headerText(header, 'general.type')
  if (kind === 'adapter' || header.metadata.has('adapter.type')) throw fail('gguf.adapter', { path })
  if (kind === 'mmproj' || architecture === 'clip' || header.metadata.has('clip.has_vision_encoder'))
    throw fail('gguf.projector', { path })
  if (kind !== null && kind !== 'model') throw fail('gguf.part', { path, kind })
  if (architecture === null) throw fail('gguf.noArchitecture', { path })
  if (tensors === 0) throw fail('gguf.noTensors', { path })
  const tokens = header.lists.get('tokenizer.ggml.tokens') ?? 0
  if (tokens === 0 || NO_TOKENIZER.includes(headerText(header, 'tokenizer.ggml.model')))
    throw fail('gguf.noTokenizer', { path })
  return architecture
}
