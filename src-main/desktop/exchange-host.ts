/**
 * Entry of the embedded exchange in the desktop app: the same exchange, but suppliers come over a message port and
 * nothing listens.
 */
import '#words/install-english.ts'

import { join } from 'node:path'

import { messagePortMainChannel, type MainPort } from '#contract/channel/message-port-main.ts'
import { progressLine } from '#db/bring-up-to-date.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { endInWords, installLastWords } from '#lib/last-words.ts'

import type { ChildPortMessage } from './broker.ts'
import { SocketOverChannel } from './socket-over-channel.ts'
import { supplierLine } from './supplier-line.ts'

interface Parent {
  once(event: 'message', listener: (event: { data: ChildPortMessage; ports: MainPort[] }) => void): unknown
}

async function run(dataDir: string, port: MainPort): Promise<void> {
  const channel = messagePortMainChannel(port)
  const exchange = await startExchange({
    dir: join(dataDir, 'exchange'),
    practiceBuyer: true,
    listen: false,
    onDamage: (damage) => endInWords(damage),
    onProgress: (progress) => process.stderr.write(`${progressLine(progress)}\n`),
  })
  supplierLine(channel, (connection) => exchange.acceptSupplier(new SocketOverChannel(connection)))
  // The core is gone or stops: nobody is left to sell.
  channel.onClose(() => void exchange.stop().finally(() => process.exit(0)))
}

const parent = (process as unknown as { parentPort?: Parent }).parentPort
if (parent === undefined) {
  process.stderr.write(
    'This entry is started by the Stoker window; `npm run -s stoker -- exchange` runs the exchange alone.\n',
  )
  process.exit(2)
}
installLastWords()
// Ctrl-C in a terminal reaches every process of the group; this one ends with the core, after its last words.
process.on('SIGINT', () => undefined)
parent.once('message', ({ data, ports: [port] }) => {
  if (port === undefined) process.exit(1)
  run(data.dataDir, port).catch((error: unknown) => endInWords(error))
})
