/** Request bodies, bounded while they are read. */
import { boundedBytes, jsonObjectOf } from '#lib/json-body.ts'

/**
 * The body as a JSON object. Throws ApiFailure 413 beyond `limit` bytes, 400 for anything that is no JSON object in
 * UTF-8.
 */
export async function readJson(request: Request, limit: number): Promise<Record<string, unknown>> {
  const bytes = boundedBytes(limit, request.headers.get('content-length'))
  if (request.body !== null) for await (const piece of request.body) bytes.add(piece)
  return jsonObjectOf(bytes.joined())
}
