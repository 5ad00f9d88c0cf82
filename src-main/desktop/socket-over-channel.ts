/**
 * A Channel in the shape of the `ws` sockets that the supplier adapter and the exchange speak through: in the desktop app the same text frames travel over
 * a message port, and nothing listens. Only what those two use is here.
 */
import { EventEmitter } from 'node:events'

import type { Channel } from '#contract/channel/channel.ts'

const OPEN = 1
const CLOSED = 3

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
    channel.onClose((reason) => this.emit('close', 1006, Buffer.from(reason)))
  }

  get readyState(): number {
    return this.#channel.isOpen ? OPEN : CLOSED
  }

  get bufferedAmount(): number {
    return this.#channel.bufferedBytes
  }

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
