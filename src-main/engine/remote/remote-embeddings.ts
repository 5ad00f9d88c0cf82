/** Embeddings of a remote server. Source: OpenAI API reference, "embeddings". */
import { z } from 'zod'

import { fail, StokerError } from '#contract/errors.ts'

import { hostOf } from './server-address.ts'
import { json, type ServerConnection } from './server-call.ts'

const TEXTS_MAX = 256
const EMBED_MS = 120_000
/** 256 vectors of 8,192 numbers as text. */
const EMBED_BYTES = 67_108_864

const answer = z.object({
  data: z
    .array(z.object({ index: z.number().int().min(0).nullish(), embedding: z.array(z.number()).min(1).max(65_536) }))
    .max(TEXTS_MAX),
  usage: z
    .object({ prompt_tokens: z.number().int().min(0).nullish() })
    .nullish()
    .catch(null),
})

function ofLengthOne(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return length === 0 ? [...vector] : vector.map((value) => value / length)
}

/** One vector a text, of length 1. Errors: BAD_REQUEST, MODEL_UNSUPPORTED, CONTEXT_TOO_LONG, ENGINE_*, CANCELLED. */
export async function embed(
  connection: ServerConnection,
  model: string,
  texts: readonly string[],
  signal?: AbortSignal,
): Promise<{ vectors: number[][]; promptTokens: number }> {
  if (texts.length === 0 || texts.length > TEXTS_MAX) throw fail('embed.textCount', { max: TEXTS_MAX })
  const asked = { model, input: texts, encoding_format: 'float' }
  const body = await json(connection, '/v1/embeddings', {
    timeoutMs: EMBED_MS,
    maxBytes: EMBED_BYTES,
    body: asked,
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    const status = error instanceof StokerError ? error.data['status'] : undefined
    // Status of servers whose model gives no embeddings, or that were started without them: 400, 404, 501.
    if (
      status === 404 ||
      status === 501 ||
      (status === 400 && error instanceof StokerError && error.code === 'ENGINE_REFUSED')
    )
      throw fail('remote.noEmbeddings', { host: hostOf(connection.url), status }, { cause: error })
    throw error
  })
  const parsed = answer.safeParse(body)
  if (!parsed.success || parsed.data.data.length !== texts.length)
    throw fail('remote.embeddingsShape', { host: hostOf(connection.url) })
  const vectors = parsed.data.data
    .map((entry, at) => ({ at: entry.index ?? at, vector: ofLengthOne(entry.embedding) }))
    .sort((a, b) => a.at - b.at)
  return { vectors: vectors.map(({ vector }) => vector), promptTokens: parsed.data.usage?.prompt_tokens ?? 0 }
}
