/**
 * What the four channels share: the backlog before the first listener, one close, and listeners that cannot disturb
 * each other.
 */
import { CHANNEL_BACKLOG_MAX, ChannelClosedError, type Channel, type Unsubscribe } from './channel.ts'

export interface Transport {
  post(message: unknown): void
  /** Ends the pipe after what was posted has left, as far as the transport can. */
  end(reason: string): void
  buffered(): number
}

export interface Pipe<Out, In> {
  readonly channel: Channel<Out, In>
  /** A message came from the other side. */
  deliver(message: unknown): void
  /** The other side is gone, or the transport broke. */
  closed(reason: string): void
}

export function createPipe<Out, In>(transport: Transport): Pipe<Out, In> {
  const messageListeners = new Set<(message: In) => void>()
  const closeListeners = new Set<(reason: string) => void>()
  let backlog: In[] = []
  /** `waiting` for a first listener; `flushing` the backlog to it, later messages queue behind; `live`. */
  let phase: 'waiting' | 'flushing' | 'live' = 'waiting'
  let closedReason: string | null = null

  const emit = (message: In): void => messageListeners.forEach((listener) => guard(() => listener(message)))
  const flush = (): void => {
    if (phase !== 'flushing') return
    while (backlog.length > 0) emit(backlog.shift()!)
    phase = 'live'
  }
  const closed = (reason: string): void => {
    if (closedReason !== null) return
    // What arrived before the close is heard before the close.
    flush()
    closedReason = reason
    closeListeners.forEach((listener) => guard(() => listener(reason)))
    closeListeners.clear()
  }
  const close = (reason = 'closed by this side'): void => {
    if (closedReason !== null) return
    backlog = []
    // Before the transport ends: some tell of the close at once, and would be heard as the other side's.
    closed(reason)
    transport.end(reason)
  }
  const channel: Channel<Out, In> = {
    send(message) {
      if (closedReason !== null) throw new ChannelClosedError(`the channel is closed: ${closedReason}`)
      transport.post(message)
    },
    onMessage(listener) {
      messageListeners.add(listener)
      if (phase === 'waiting') {
        phase = 'flushing'
        queueMicrotask(flush)
      }
      return () => void messageListeners.delete(listener)
    },
    onClose(listener): Unsubscribe {
      if (closedReason !== null) {
        listener(closedReason)
        return () => undefined
      }
      closeListeners.add(listener)
      return () => void closeListeners.delete(listener)
    },
    close,
    get isOpen() {
      return closedReason === null
    },
    get bufferedBytes() {
      return closedReason === null ? transport.buffered() : 0
    },
  }
  return {
    channel,
    closed,
    deliver(message) {
      if (closedReason !== null) return
      if (phase === 'live') return emit(message as In)
      backlog.push(message as In)
      if (backlog.length > CHANNEL_BACKLOG_MAX) close(`more than ${CHANNEL_BACKLOG_MAX} messages waited for a listener`)
    },
  }
}

/** An error of one listener is reported as uncaught, and the next listener still hears. */
function guard(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
