/**
 * One answer on its way to a client, written straight to the socket. Nothing here waits for the client: what it does not read is held up to a
 * bound, then it is cut off. The engine and the other streams never feel it.
 */
import type { ServerResponse } from 'node:http'

import { errorBody, type ApiError } from './errors.ts'
import { LIMITS } from './limits.ts'
import { sse } from './shape.ts'
import type { Watch, Watched } from './watch.ts'

export interface Outlet {
  /** Whether events are on their way: from then on a failure is an event too. */
  readonly opened: boolean
  /** One or several server-sent events. */
  write(events: string): void
  /** Ends a stream. */
  end(events: string): void
  json(status: number, body: object): void
  /** As JSON with its status, or as an event when the stream has begun. */
  fail(error: ApiError): void
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' }

/** A line that every reader of server-sent events passes over. */
const COMMENT = ': waiting\n\n'

/** `streams`: events, else one JSON text. `onGone` runs once when the client leaves, or is cut off, before its answer was whole. */
export function createOutlet(response: ServerResponse, streams: boolean, watch: Watch, onGone: () => void): Outlet {
  let [opened, over, wrote] = [false, false, false]
  let [quiet, stalled] = [0, 0]
  let marked = false

  const cut = (): void => void response.destroy()
  const open = (): void => {
    opened = true
    response.writeHead(200, STREAM_HEADERS)
  }
  const write = (text: string): void => {
    if (over) return
    if (!opened) open()
    wrote = true
    response.write(text)
    if (response.writableLength > LIMITS.unreadBytes) cut()
  }
  const watched: Watched = {
    look() {
      if (marked || over) {
        stalled += 1
        if (stalled >= LIMITS.stalledLooks) cut()
      } else if (response.writableLength > 0) {
        // Its callback tells when all that was written before it has left.
        marked = true
        response.write(COMMENT, () => {
          marked = false
          stalled = 0
        })
      } else if (streams) {
        quiet = wrote ? 0 : quiet + 1
        wrote = false
        if (quiet < LIMITS.quietLooks) return
        quiet = 0
        write(COMMENT)
        wrote = false
      }
    },
  }
  response.on('close', () => {
    watch.remove(watched)
    const whole = over && response.writableFinished
    over = true
    if (!whole) onGone()
  })
  watch.add(watched)
  return {
    get opened() {
      return opened
    },
    write,
    end(events) {
      if (over) return
      if (!opened) open()
      over = true
      response.end(events)
    },
    json(status, body) {
      if (over) return
      over = true
      sendJson(response, status, body)
    },
    fail(error) {
      if (opened) this.end(sse(errorBody(error)))
      else this.json(error.status, errorBody(error))
    },
  }
}

/** A retry is worth it soon: a queue of short answers moves by the second. */
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
