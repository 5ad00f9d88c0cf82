/** Request bodies, bounded while they are read. */
import type { IncomingMessage } from 'node:http'

import { LIMITS } from './limits.ts'
import { invalid, tooLarge } from './errors.ts'

/** The body as a JSON object. Throws ApiFailure 413 beyond the bound, 400 for anything that is no JSON object in UTF-8 or that ended early. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const bytes = await readBounded(request)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalid('the body is not valid JSON in UTF-8', null, 'invalid_json')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the body must be a JSON object', null, 'invalid_json')
  return value as Record<string, unknown>
}

function readBounded(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > LIMITS.bodyBytes) {
      reject(tooLarge(LIMITS.bodyBytes))
      return
    }
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.byteLength
      if (size <= LIMITS.bodyBytes) {
        chunks.push(chunk)
        return
      }
      // The rest runs through unheld until the server's own time limit.
      request.off('data', onData)
      request.resume()
      reject(tooLarge(LIMITS.bodyBytes))
    }
    request.on('data', onData)
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.once('close', () => reject(invalid('the request ended before its body did')))
    request.once('error', () => reject(invalid('the request ended before its body did')))
  })
}
