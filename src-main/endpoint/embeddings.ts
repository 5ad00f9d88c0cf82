/**
 * POST /v1/embeddings. Field names and base64 (little-endian 32-bit floats): OpenAI API reference, "Create embeddings".
 */
import { z } from 'zod'

import { MESSAGE_BYTES_MAX } from '#contract/inference.ts'

import { parseFields } from './request-fields.ts'
import { LIMITS } from './endpoint-limits.ts'

const text = z.string().min(1).max(MESSAGE_BYTES_MAX)
const embeddingRequest = z.object({
  model: z.string().min(1).max(256),
  input: z.union(
    [text.transform((one) => [one]), z.array(text).min(1).max(LIMITS.embeddingTexts)],
    `one text, or up to ${LIMITS.embeddingTexts} of them, none of them empty (token ids are not taken)`,
  ),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.null('a model has the dimensions it has').optional(),
})
export type AskedEmbeddings = z.infer<typeof embeddingRequest>

/** Throws ApiFailure 400 with the offending field. */
export const parseEmbeddings = (body: Record<string, unknown>): AskedEmbeddings => parseFields(embeddingRequest, body)

export const embeddingsBody = (
  model: string,
  { encoding_format: format }: AskedEmbeddings,
  { vectors, promptTokens }: { vectors: number[][]; promptTokens: number },
): object => ({
  object: 'list',
  data: vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: format === 'base64' ? base64(vector) : vector,
  })),
  model,
  usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
})

function base64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  vector.forEach((value, at) => bytes.writeFloatLE(value, at * 4))
  return bytes.toString('base64')
}
