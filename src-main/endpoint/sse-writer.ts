/**
 * Writes one answer to its client, as server-sent events or as JSON. Nothing here waits for the client: unread text is
 * buffered up to a bound, then the connection is closed. The engine and other streams are never slowed down.
 */
import type { ServerResponse } from 'node:http'

import { errorBody, type ApiError } from '#lib/openai-error.ts'

import { chunkedBody } from './chunked-body.ts'
import { LIMITS } from './endpoint-limits.ts'
import { createStallTimer } from './stall-timer.ts'
import { sendJson } from './send-json.ts'
import { sse } from './answer-shape.ts'
import type { OpenAnswers } from './open-answers.ts'

export interface SseWriter {
  /** One or several server-sent events. */
  write(events: string): void
  /** Ends a stream. */
  end(events: string): void
  json(status: number, body: object): void
  /** As JSON with its status, or as an event if the stream has begun. */
  fail(error: ApiError): void
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' }

/**
 * `streams`: events, else one JSON text. `onClosed` runs once if the connection closes before the answer is complete.
 */
export function createSseWriter(
  response: ServerResponse,
  streams: boolean,
  openAnswers: OpenAnswers,
  onClosed: () => void,
): SseWriter {
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
  const stallTimer = createStallTimer({
    unread: () => (opened ? response.writableLength : 0),
    waitsForText: () => streams && !over,
    over: () => over,
    comment: (text) => put(text),
    whenRead: (text, then) => void response.write(text, then),
    close: () => response.destroy(),
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
    openAnswers.remove(stallTimer)
    const whole = over && response.writableFinished
    over = true
    if (!whole) onClosed()
  })
  openAnswers.add(stallTimer)
  return {
    write(text) {
      if (over) return
      stallTimer.wrote()
      put(text)
      if (response.writableLength > LIMITS.unreadBytes) response.destroy()
    },
    end,
    json,
    fail: (error) => (opened ? end(sse(errorBody(error))) : json(error.status, errorBody(error))),
  }
}
