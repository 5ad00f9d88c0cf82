/** Request bodies, bounded while they are read. */
import type { IncomingMessage } from 'node:http'

import { boundedBytes, jsonObjectOf } from '#lib/json-body.ts'
import { invalid } from '#lib/openai-error.ts'

import { LIMITS } from './endpoint-limits.ts'

/**
 * The body as a JSON object. Throws ApiFailure 413 beyond the bound, 400 for anything that is no JSON object in UTF-8
 * or that ended early.
 */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  return jsonObjectOf(await readBounded(request))
}

async function readBounded(request: IncomingMessage): Promise<Uint8Array> {
  const bytes = boundedBytes(LIMITS.bodyBytes, request.headers['content-length'] ?? null)
  return new Promise((resolve, reject) => {
    const onData = (bytesRead: Buffer): void => {
      try {
        bytes.add(bytesRead)
      } catch (error) {
        // The rest is read and dropped, until the server's own time limit.
        request.off('data', onData)
        request.resume()
        reject(error)
      }
    }
    request.on('data', onData)
    request.once('end', () => resolve(bytes.joined()))
    request.once('close', () => reject(invalid('the request ended before its body did')))
    request.once('error', () => reject(invalid('the request ended before its body did')))
  })
}
