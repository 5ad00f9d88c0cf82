/** Request bodies, bounded while they are read. */
import { invalid, tooLarge } from './openai-error.ts'

/** The body as JSON. Throws ApiFailure 413 beyond `limit` bytes, 400 for anything that is no JSON object in UTF-8. */
export async function readJson(request: Request, limit: number): Promise<Record<string, unknown>> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit)
  const bytes = request.body === null ? new Uint8Array() : await readBounded(request.body, limit)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalid('the body is not valid JSON in UTF-8', null, 'invalid_json')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the body must be a JSON object', null, 'invalid_json')
  return value as Record<string, unknown>
}

async function readBounded(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > limit) throw tooLarge(limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
