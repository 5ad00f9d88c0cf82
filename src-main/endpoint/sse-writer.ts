/**
 * One answer on its way to a client, written straight to the socket. Nothing here waits for the client: what it does
 * not read is held up to a bound, then it is cut off. The engine and the other streams never feel it.
 */
import type { ServerResponse } from 'node:http'

import { errorBody, type ApiError } from '#lib/openai-error.ts'

import { chunkedBody } from './chunked-body.ts'
import { LIMITS } from './endpoint-limits.ts'
import { createPatience } from './stall-timer.ts'
import { sendJson } from './send-json.ts'
import { sse } from './answer-shape.ts'
import type { Watch } from './open-answers.ts'

export interface Outlet {
  /** One or several server-sent events. */
  write(events: string): void
  /** Ends a stream. */
  end(events: string): void
  json(status: number, body: object): void
  /** As JSON with its status, or as an event when the stream has begun. */
  fail(error: ApiError): void
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' }

/**
 * `streams`: events, else one JSON text. `onGone` runs once when the client leaves, or is cut off, before its answer
 * was whole.
 */
export function createOutlet(response: ServerResponse, streams: boolean, watch: Watch, onGone: () => void): Outlet {
  let [opened, over] = [false, false]
  const open = (): void => {
    opened = true
    response.writeHead(200, STREAM_HEADERS)
  }
  let put = (text: string): void => {
    open()
    put = chunkedBody(response)
    put(text)
  }
  const patience = createPatience({
    unread: () => (opened ? response.writableLength : 0),
    waitsForText: () => streams && !over,
    over: () => over,
    comment: (text) => put(text),
    whenTaken: (text, then) => void response.write(text, then),
    cut: () => response.destroy(),
  })
  const end = (events: string): void => {
    if (over) return
    if (!opened) open()
    over = true
    response.end(events)
  }
  const json = (status: number, body: object): void => {
    if (over) return
    over = true
    sendJson(response, status, body)
  }
  response.on('close', () => {
    watch.remove(patience)
    const whole = over && response.writableFinished
    over = true
    if (!whole) onGone()
  })
  watch.add(patience)
  return {
    write(text) {
      if (over) return
      patience.wrote()
      put(text)
      if (response.writableLength > LIMITS.unreadBytes) response.destroy()
    },
    end,
    json,
    fail: (error) => (opened ? end(sse(errorBody(error))) : json(error.status, errorBody(error))),
  }
}
