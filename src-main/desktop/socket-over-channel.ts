/**
 * A Channel in the shape of the `ws` sockets that the supplier adapter and the exchange speak through: in the desktop
 * app the same text frames travel over a message port, and nothing listens. Only what those two use is here; like the
 * real ones it tells of its close on a later turn, never inside a call.
 */
import { EventEmitter } from 'node:events'

import type { Channel } from '#contract/channel/channel.ts'

const OPEN = 1
const CLOSED = 3
/** RFC 6455: the connection ended without a closing handshake. */
const ABNORMAL = 1_006

export class SocketOverChannel extends EventEmitter {
  readonly OPEN = OPEN
  readonly #channel: Channel

  constructor(channel: Channel) {
    super()
    this.#channel = channel
    channel.onMessage((message) => {
      if (typeof message === 'string') this.emit('message', Buffer.from(message, 'utf8'), false)
      else channel.close('a supplier frame is text')
    })
    if (channel.isOpen) queueMicrotask(() => this.readyState === OPEN && this.emit('open'))
    channel.onClose((reason) => queueMicrotask(() => this.emit('close', ABNORMAL, Buffer.from(reason))))
  }

  get readyState(): number {
    return this.#channel.isOpen ? OPEN : CLOSED
  }

  get bufferedAmount(): number {
    return this.#channel.bufferedBytes
  }

  /** Silent once closed, as the `close` event tells. */
  send(text: string): void {
    if (this.#channel.isOpen) this.#channel.send(text)
  }

  close(_code?: number, reason = 'closed'): void {
    this.#channel.close(reason)
  }

  terminate(): void {
    this.#channel.close('ended')
  }
}
