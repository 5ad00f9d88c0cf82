/** A whole response as JSON. */
import type { ServerResponse } from 'node:http'

/** A client may retry soon: a queue of short answers moves within seconds. */
const RETRY_AFTER_S = '1'

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(status === 429 ? { 'retry-after': RETRY_AFTER_S } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  })
  response.end(text)
}
