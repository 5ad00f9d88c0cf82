/**
 * A Channel over a WebSocket (the browser's, Node's, or one of the `ws` package): JSON text messages of bounded length.
 */
import { createPipe } from './base.ts'
import { CHANNEL_BACKLOG_MAX, ChannelClosedError, type Channel } from './channel.ts'

export interface Socket {
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'open', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void
  addEventListener(type: 'error', listener: (event: { message?: string }) => void): void
}

/** Characters of one message, both ways; a server also sets its own bound in bytes where it reads the socket. */
export const SOCKET_MESSAGE_MAX = 4_194_304
/** Application codes of RFC 6455 (4000–4999): a browser may send no others but 1000. */
export const SOCKET_CLOSE = { normal: 1_000, binary: 4_003, malformed: 4_007, tooLarge: 4_009 } as const
const CONNECTING = 0
const OPEN = 1
/** RFC 6455 allows a reason of 123 bytes. */
const REASON_MAX = 120

/** A socket that still connects accepts messages (up to CHANNEL_BACKLOG_MAX) and sends them once it is open. */
export function webSocketChannel<Out = unknown, In = unknown>(
  socket: Socket,
  options: { maxLength?: number } = {},
): Channel<Out, In> {
  const maxLength = options.maxLength ?? SOCKET_MESSAGE_MAX
  let waiting: string[] = []
  let lastError = ''
  let code: number = SOCKET_CLOSE.normal
  const pipe = createPipe<Out, In>({
    post(message) {
      const text = JSON.stringify(message)
      if (text.length > maxLength)
        throw new RangeError(`a message has at most ${maxLength} characters, this one has ${text.length}`)
      if (socket.readyState === OPEN) return socket.send(text)
      if (socket.readyState !== CONNECTING) {
        // The closing handshake runs; its event may be a network timeout away.
        pipe.closed('the socket is closing')
        throw new ChannelClosedError('the channel is closed: the socket is closing')
      }
      waiting.push(text)
      if (waiting.length > CHANNEL_BACKLOG_MAX)
        pipe.channel.close(`more than ${CHANNEL_BACKLOG_MAX} messages waited for the connection`)
    },
    end(reason) {
      waiting = []
      socket.close(code, reason.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, REASON_MAX))
    },
    buffered: () => socket.bufferedAmount,
  })
  const refuse = (why: 'binary' | 'malformed' | 'tooLarge', reason: string): void => {
    code = SOCKET_CLOSE[why]
    pipe.channel.close(reason)
  }
  socket.addEventListener('open', () => {
    waiting.forEach((text) => socket.send(text))
    waiting = []
  })
  socket.addEventListener('message', ({ data }) => {
    if (!pipe.channel.isOpen) return
    if (typeof data !== 'string') return refuse('binary', 'a binary message came where text is spoken')
    if (data.length > maxLength) return refuse('tooLarge', `a message was longer than ${maxLength} characters`)
    let message: unknown
    try {
      message = JSON.parse(data)
    } catch {
      return refuse('malformed', 'a message was not JSON')
    }
    pipe.deliver(message)
  })
  socket.addEventListener('error', (event) => {
    lastError = event.message ?? 'the connection failed'
  })
  socket.addEventListener('close', (event) =>
    pipe.closed(
      event.reason !== '' ? event.reason : lastError !== '' ? lastError : `the socket closed (${event.code})`,
    ),
  )
  return pipe.channel
}
