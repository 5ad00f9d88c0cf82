/**
 * One two-way message pipe with four implementations (MessagePortMain, web MessagePort, WebSocket, child-process IPC).
 * Messages are structured-clone-safe values; the WebSocket carries JSON. Order is kept, delivery is at most once, a
 * closed channel is a reconnect by its owner. Zod-free and import-free, so that the renderer may use it.
 */
export interface Channel<Out = unknown, In = unknown> {
  /** Sends one message. Throws ChannelClosedError once the channel is closed. */
  send(message: Out): void
  /** Messages that arrive before the first listener are kept (up to CHANNEL_BACKLOG_MAX) and delivered in order. */
  onMessage(listener: (message: In) => void): Unsubscribe
  /** Called once, at once if already closed. */
  onClose(listener: (reason: string) => void): Unsubscribe
  close(reason?: string): void
  readonly isOpen: boolean
  /**
   * Bytes accepted by send and not yet handed to the system, where the transport can tell; 0 otherwise. For
   * back-pressure.
   */
  readonly bufferedBytes: number
}

export type Unsubscribe = () => void

/** Messages kept for the first listener; one more closes the channel. */
export const CHANNEL_BACKLOG_MAX = 1_024

export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError'
}
