/**
 * Entry of the embedded exchange in the desktop app: the same exchange, but suppliers come over a message port and
 * nothing listens.
 */
import '#words/install-english.ts'

import { join } from 'node:path'

import { messagePortMainChannel, type MainPort } from '#contract/channel/message-port-main.ts'
import type { ChildWord } from '#contract/host.ts'
import { progressLine } from '#db/bring-up-to-date.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { busyNoMore, busyWith, pulse } from '#lib/child-words.ts'
import { switchOffCoreDumps } from '#lib/core-dumps.ts'
import { endInWords, installLastWords } from '#lib/end-in-words.ts'
import { inDiskWords } from '#lib/disk-failure.ts'
import { statedEnd, type StatedEnd } from '#lib/exit-codes.ts'
import { giveBackAtRest } from '#lib/rest-memory.ts'
import { systemClock } from '#lib/system-clock.ts'

import type { ChildPortMessage } from './broker.ts'
import { SocketOverChannel } from './socket-over-channel.ts'
import { supplierLine } from './supplier-line.ts'

interface Parent {
  once(event: 'message', listener: (event: { data: ChildPortMessage; ports: MainPort[] }) => void): unknown
}

async function run(dataDir: string, port: MainPort): Promise<void> {
  const channel = messagePortMainChannel(port)
  const tell = (word: ChildWord | { t: 'ready' }): void => {
    if (channel.isOpen) channel.send(word)
  }
  const toCore = (stated: StatedEnd, then: () => void): void => {
    if (channel.isOpen) channel.send(stated)
    then()
  }
  const exchange = await startExchange({
    dir: join(dataDir, 'exchange'),
    practiceBuyer: true,
    listen: false,
    onDamage: (damage) => endInWords(damage, { tell: toCore }),
    onProgress: (progress) =>
      tell(busyWith(progress.step === 'checking' ? 'checking' : 'migrating', progressLine(progress))),
  }).catch((error: unknown) => {
    const stated = statedEnd(inDiskWords(error))
    if (stated !== null) toCore(stated, () => undefined)
    throw error
  })
  tell(busyNoMore)
  tell({ t: 'ready' })
  const stopping = new AbortController()
  void pulse(systemClock, tell, stopping.signal)
  void giveBackAtRest(systemClock, stopping.signal)
  supplierLine(channel, (connection) => exchange.acceptSupplier(new SocketOverChannel(connection)))
  // The core is gone or stops: nobody is left to sell.
  channel.onClose(() => {
    stopping.abort()
    void exchange.stop().finally(() => process.exit(0))
  })
}

const parent = (process as unknown as { parentPort?: Parent }).parentPort
if (parent === undefined) {
  process.stderr.write(
    'This entry is started by the Stoker window; `npm run -s stoker -- exchange` runs the exchange alone.\n',
  )
  process.exit(2)
}
switchOffCoreDumps()
installLastWords()
// Ctrl-C in a terminal reaches every process of the group; this one ends with the core, after its last words.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined)
parent.once('message', ({ data, ports: [port] }) => {
  if (port === undefined) process.exit(1)
  run(data.dataDir, port).catch((error: unknown) => endInWords(error))
})
