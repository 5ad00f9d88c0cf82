/** Entry of the embedded exchange in the desktop app: the same exchange, but suppliers come over a message port and nothing listens. */
import { join } from 'node:path'

import { createPipe, type Pipe } from '#contract/channel/base.ts'
import { messagePortMainChannel, type MainPort } from '#contract/channel/message-port-main.ts'
import { dataDirectory } from '#lib/data-directory.ts'
import { startExchange, type Exchange } from '#market/exchange.ts'

import { SocketOverChannel } from './socket-over-channel.ts'

interface Parent {
  once(event: 'message', listener: (event: { ports: MainPort[] }) => void): unknown
}

const parentPort = (process as unknown as { parentPort?: Parent }).parentPort
if (parentPort === undefined) {
  process.stderr.write('This entry is started by the Stoker window; `npm run -s stoker -- exchange` runs the exchange alone.\n')
  process.exit(2)
}

/** Each `greet` of the core is a new connection over the same port; the one before it ends. */
function accept(exchange: Exchange, port: MainPort): void {
  const channel = messagePortMainChannel(port)
  let current: Pipe<unknown, unknown> | null = null
  channel.onMessage((message) => {
    if (typeof message === 'object' && message !== null && (message as { t?: unknown }).t === 'greet') {
      current?.closed('the core connected again')
      current = createPipe({ post: (value) => channel.send(value), end: () => undefined, buffered: () => channel.bufferedBytes })
      exchange.acceptSupplier(new SocketOverChannel(current.channel))
    } else current?.deliver(message)
  })
  channel.onClose(() => {
    current?.closed('the core is gone')
    void exchange.stop().finally(() => process.exit(0))
  })
}

parentPort.once('message', ({ ports: [port] }) => {
  if (port === undefined) process.exit(1)
  startExchange({ dir: join(dataDirectory(), 'exchange'), practiceBuyer: true, listen: false }).then(
    (exchange) => accept(exchange, port),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    },
  )
})
