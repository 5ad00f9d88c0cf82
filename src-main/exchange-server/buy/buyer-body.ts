/** Request bodies, bounded while they are read. */
import { boundedBytes, jsonObjectOf } from '#lib/json-body.ts'

/** The body's bytes. Throws ApiFailure 413 beyond `limit` bytes. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const bytes = boundedBytes(limit, request.headers.get('content-length'))
  if (request.body !== null) for await (const piece of request.body) bytes.add(piece)
  return bytes.joined()
}

/** The body as a JSON object. Throws as readBody, and ApiFailure 400 for anything that is no JSON object in UTF-8. */
export const readJson = async (request: Request, limit: number): Promise<Record<string, unknown>> =>
  jsonObjectOf(await readBody(request, limit))
