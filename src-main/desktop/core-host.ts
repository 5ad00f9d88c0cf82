/** Entry of the core's utility process in the desktop app: the same core as headless, over message ports. Nothing here listens on a port. */
import { join } from 'node:path'

import { RPCHandler } from '@orpc/server/message-port'

import type { Channel } from '#contract/channel/channel.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import { createCore, type Core } from '#core/core.ts'
import { ALL_SCOPES } from '#core/rpc.ts'
import { acquireLock } from '#db/lock.ts'
import { createEngine } from '#engine/client.ts'
import { createStokerExchange } from '#exchange/stoker/index.ts'
import { systemClock } from '#lib/clock.ts'
import { loadOrCreateSigningKey } from '#lib/ed25519.ts'
import { randomIds } from '#lib/ids.ts'
import { createLog } from '#lib/log.ts'
import { mkdirSync } from 'node:fs'

import { keepExchange, type KeptExchange } from './kept-exchange.ts'
import { ShellLink, type ParentPort } from './shell-link.ts'
import { trayState } from './tray-state.ts'

const parentPort = (process as unknown as { parentPort?: ParentPort }).parentPort
if (parentPort === undefined) {
  process.stderr.write('The desktop core is started by the Stoker window, not by hand; use `npm start` or `npm run -s stoker -- serve`.\n')
  process.exit(2)
}

const log = createLog('stoker')
let core: Core | null = null
let exchangeHost: KeptExchange | null = null
let release: () => void = () => undefined
const early: Channel[] = []

function serve(channel: Channel): void {
  if (core === null) early.push(channel)
  else new RPCHandler(core.router).upgrade(channelAsPort(channel, 'server'), { context: { scopes: ALL_SCOPES } })
}

const link = new ShellLink(parentPort, {
  onStart({ dataDir, version, resourcesDir }) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const lock = acquireLock(join(dataDir, 'lock.db'))
    release = () => lock.release()
    exchangeHost = keepExchange(() => link.fork('exchange'), systemClock, log)
    const key = loadOrCreateSigningKey(join(dataDir, 'seller.key'))
    const exchange = createStokerExchange({ url: () => exchangeHost?.address() ?? null, key, name: 'stoker', clock: systemClock, log, WebSocket: exchangeHost.WebSocket })
    const engine = createEngine({ fork: () => link.fork('engine'), clock: systemClock, log })
    const started = createCore({
      dataDir,
      version,
      exchange,
      engine,
      clock: systemClock,
      ids: randomIds(() => systemClock.now()),
      log,
      host: { mode: 'desktop', engine: () => engine, notify: (title, body) => link.tell({ t: 'notify', title, body }) },
      signingKey: key,
      bundledModelsDir: join(resourcesDir, 'models'),
    })
    core = started
    started.start()
    for (const channel of early.splice(0)) serve(channel)
    void trayState(started, (request) => link.tell(request))
    link.tell({ t: 'ready' })
  },
  onRenderer: serve,
  onCloseToTray: (closeToTray) => void core?.client.app.updateSettings({ closeToTray }).catch((error: unknown) => log.error({ err: error }, 'the choice about the tray could not be stored')),
  onQuit: () => void stop(),
})

/** Everything closed and every child ended, then this process. */
async function stop(): Promise<void> {
  await core?.stop().catch((error: unknown) => log.error({ err: error }, 'the core did not stop cleanly'))
  exchangeHost?.stop()
  release()
  link.tell({ t: 'stopped' })
  process.exit(0)
}
