/**
 * Entry of the core's utility process in the desktop app: the same core as headless, over message ports. Nothing here
 * listens on a port but the owner's own use, once it is switched on.
 */
import '#words/install-english.ts'

import { join } from 'node:path'

import { RPCHandler } from '@orpc/server/message-port'

import type { ShellReply } from '#contract/host.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import { createCore, prepareDatabases, type Core } from '#core/core.ts'
import { openSellerKey } from '#core/identity/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import type { VenueDriver } from '#core/venues/index.ts'
import { progressLine } from '#db/bring-up-to-date.ts'
import { acquireLock } from '#db/lock.ts'
import { createEndpoint } from '#endpoint/index.ts'
import { createEngines } from '#engine/engines.ts'
import { createSensors } from '#sensors/client/sensors-client.ts'
import { createStokerVenue } from '#venues/stoker/index.ts'
import { busyNoMore, busyWith, pulse } from '#lib/child-words.ts'
import { coreDumps, switchOffCoreDumps } from '#lib/core-dumps.ts'
import { giveBackAtRest } from '#lib/rest-memory.ts'
import { systemClock } from '#lib/system-clock.ts'
import { dataOption, ensureDataDirectory } from '#lib/data-directory.ts'
import { randomIds } from '#lib/id-source.ts'
import { late } from '#lib/late.ts'
import { createLog } from '#lib/log.ts'

import { commandsAreFor } from '#words/words.ts'

import { hostCore, type StartedCore } from './hosted-core.ts'
import { keepExchange } from './kept-exchange.ts'
import type { ParentPort, ShellLink } from './shell-link.ts'
import { tellShell } from './tell-shell.ts'

const log = createLog('stoker')

/** The databases are brought up to date, for as long as that takes. */
async function prepare(dataDir: string, link: ShellLink): Promise<void> {
  await prepareDatabases(dataDir, (progress) =>
    link.tell(busyWith(progress.step === 'checking' ? 'checking' : 'migrating', progressLine(progress))),
  )
  link.tell(busyNoMore)
}

/** That it is there, and what the tray shows. */
function keepTelling(app: Core['client']['app'], link: ShellLink, signal: AbortSignal): void {
  void pulse(systemClock, (word) => link.tell(word), signal)
  void giveBackAtRest(systemClock, signal)
  tellShell(
    app,
    (request) => link.tell(request),
    signal,
    (error) => log.error({ err: error }, 'the tray is no longer kept up to date'),
  )
}

/** Errors: DATA_LOCKED, UNAVAILABLE, DB_FROM_FUTURE, DB_CORRUPT; NOT_FOUND and CONFLICT of `openSellerKey`. */
async function start(
  { dataDir, version, resourcesDir }: Extract<ShellReply, { t: 'start' }>,
  link: ShellLink,
): Promise<StartedCore> {
  commandsAreFor(dataOption(dataDir))
  const lock = acquireLock(join(ensureDataDirectory(dataDir), 'lock.db'))
  await prepare(dataDir, link)
  const key = openSellerKey(dataDir, systemClock)
  const exchangeHost = keepExchange({
    fork: () => link.fork('exchange'),
    clock: systemClock,
    log,
    onProgress: (line) => log.warn({ line }, 'the exchange host is busy'),
  })
  const running = late<Core>('the core')
  const stoker: VenueDriver = (_row, memory) =>
    createStokerVenue({
      url: () => exchangeHost.address(),
      whyNoUrl: () => exchangeHost.whyAway(),
      key,
      name: () => running.get().rigName(),
      clock: systemClock,
      log,
      WebSocket: exchangeHost.WebSocket,
      memory,
    })
  const engines = createEngines({ fork: ({ gpu }) => link.fork('engine', gpu), clock: systemClock, log })
  const ids = randomIds(() => systemClock.now())
  const core = createCore({
    dataDir,
    version,
    drivers: { stoker },
    engines,
    sensors: createSensors({ fork: () => link.fork('sensors'), clock: systemClock, log }),
    endpoint: createEndpoint({ clock: systemClock, ids, log }),
    clock: systemClock,
    ids,
    log,
    host: {
      mode: 'desktop',
      coreDumps: coreDumps(),
      notify: (title, body) => link.tell({ t: 'notify', title, body }),
    },
    signingKey: key,
    bundledModelsDir: join(resourcesDir, 'models'),
  })
  running.set(core)
  core.start()
  const handler = new RPCHandler(core.router)
  const stopping = new AbortController()
  const { app } = core.client
  keepTelling(app, link, stopping.signal)
  return {
    serve: (channel) => handler.upgrade(channelAsPort(channel, 'server'), { context: { scopes: ALL_SCOPES } }),
    storeCloseChoice: (closeToTray) =>
      void app
        .updateSettings({ closeToTray })
        .catch((error: unknown) => log.error({ err: error }, 'the choice about the tray could not be stored')),
    async stop() {
      stopping.abort()
      // The exchange last: the core's words to it are still heard.
      await core.stop()
      await exchangeHost.stop()
      lock.release()
    },
  }
}

const parent = (process as unknown as { parentPort?: ParentPort }).parentPort
if (parent === undefined) {
  process.stderr.write(
    'The desktop core is started by the Stoker window, not by hand; use `npm start` or `npm run -s stoker -- serve`.\n',
  )
  process.exit(2)
}
switchOffCoreDumps()
// Ctrl-C in a terminal reaches every process of the group; the shell then quits and asks this one, which ends in order.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined)
hostCore({ parent, start, exit: (code) => process.exit(code), log })
