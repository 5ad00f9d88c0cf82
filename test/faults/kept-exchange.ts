/**
 * An exchange in a process of its own that is started again at once whenever it dies, at the same port, and a real
 * seller's core in this process that sells on it: both books are real, the engine is a fake.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join, resolve } from 'node:path'

import type { Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { createCore, type Core } from '#core/core.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { loadOrCreateSigningKey } from '#lib/ed25519.ts'
import { randomIds } from '#lib/id-source.ts'
import { late } from '#lib/late.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { untilCore, untilOnline } from '#test/support/in-process-stack.ts'
import { VENUE } from '#test/support/venue.ts'
import { createStokerVenue } from '#venues/stoker/index.ts'

const ENTRY = resolve(import.meta.dirname, '../../src-main/exchange-server/exchange-entry.ts')
const PRELOAD = resolve(import.meta.dirname, 'kill-at-commit.ts')
export const NANO = 'practice/text-nano' as Instrument
const SEED = 'receipt-kill'
const ANSWER = 'Every word of this answer is sold, and it is sold once.'

interface Ready {
  url: string
  exchangeKey: string
}

export interface KeptExchange {
  readonly dir: string
  readonly planPath: string
  /** Null while it is down. */
  ready(): Ready | null
  /** Resolves when it has died so many times since it was made, and is up again. */
  deaths(count: number): Promise<void>
  died(): number
  stop(): Promise<void>
}

/** Starts it in `folder`/exchange. */
export async function keepExchange(folder: string): Promise<KeptExchange> {
  const dir = join(folder, 'exchange')
  const planPath = join(folder, 'kill.json')
  let ready: Ready | null = null
  let child: ChildProcess | null = null
  let [deaths, port] = [0, '0']
  const stopping = new AbortController()
  const changed = new Set<() => void>()
  const tell = (): void => changed.forEach((look) => look())
  const live = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      child = fork(ENTRY, ['--data', dir, '--no-practice-buyer', '--exam-seed', SEED, '--port', port], {
        execArgv: ['--import', PRELOAD],
        env: { ...process.env, STOKER_TEST_KILL: planPath },
        stdio: ['ignore', 'ignore', process.env['STOKER_TEST_LOG'] === undefined ? 'ignore' : 'inherit', 'ipc'],
      })
      const exited = once(child, 'exit')
      child.on('message', (message: { t: string } & Ready) => {
        if (message.t !== 'ready') return
        ready = { url: message.url, exchangeKey: message.exchangeKey }
        port = new URL(message.url).port
        tell()
      })
      await exited
      if (ready !== null) deaths += 1
      ready = null
      tell()
    }
  }
  const life = live()
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((done) => {
      const look = (): void => {
        if (!holds()) return
        changed.delete(look)
        done()
      }
      changed.add(look)
      look()
    })
  await until(() => ready !== null)
  return {
    dir,
    planPath,
    ready: () => ready,
    deaths: (count) => until(() => deaths >= count && ready !== null),
    died: () => deaths,
    async stop() {
      stopping.abort()
      child?.kill('SIGTERM')
      await life
    },
  }
}

const answers = new Map(
  FAMILIES.flatMap((family) => Array.from({ length: 60 }, (_, index) => examItem(SEED, family, 1, index))).map(
    (item) => [item.prompt, item.answer],
  ),
)
const knowing = () =>
  createFakeEngine({
    answer: (request) =>
      request.ignoreEos
        ? 'word '.repeat(request.maxTokens + 1)
        : (answers.get(request.messages.at(-1)!.content) ?? ANSWER),
  })

/** A core that has passed the exam and listed; its folder is that of the exchange too, as in a rig. */
export async function sellOn(exchange: KeptExchange, folder: string): Promise<Core> {
  const log = createLog('test')
  log.level = 'silent'
  const signingKey = loadOrCreateSigningKey(join(folder, 'seller.key'))
  const running = late<Core>('the core')
  const driver = createStokerVenue({
    url: () => exchange.ready()?.url.replace('http', 'ws').concat('/supplier/v1') ?? null,
    key: signingKey,
    name: () => running.get().rigName(),
    clock: systemClock,
    log,
    exchangeKey: () => exchange.ready()?.exchangeKey ?? null,
  })
  const core = createCore({
    dataDir: folder,
    clock: systemClock,
    ids: randomIds(() => systemClock.now()),
    log,
    host: { mode: 'headless', notify: () => undefined },
    drivers: { stoker: () => driver },
    engines: createFakeEngines({ make: knowing }),
    calibrateOnDeploy: false,
    signingKey,
    version: '0.0.0',
    bundledModelsDir: join(folder, 'none'),
    exchangeUrl: () => exchange.ready()?.url ?? null,
  })
  running.set(core)
  core.start()
  await untilOnline(core)
  const path = join(folder, 'fake.gguf')
  writeFileSync(path, 'a fake model')
  let sha256 = ''
  for await (const step of await core.client.models.import({ path }))
    if (step.kind === 'done') sha256 = step.model.sha256
  const settings = { slots: 4, contextTokens: 256, threads: 1, gpuLayers: 0 }
  const { deploymentId } = await core.client.models.deploy({ sha256, settings })
  const { examId } = await core.client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
  for await (const step of await core.client.exams.progress({ venueId: VENUE, examId })) void step
  const ask = onePrice(nanoPerMtok(1_000_000_000))
  await core.client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask })
  await untilCore(core, async () => (await core.client.market.listings({ venueId: VENUE }))[0]?.state === 'listed')
  return core
}

const LOOK_MS = 20

/**
 * A door before it, as a load balancer is: connections wait while the exchange is down or nobody sells on it, and break
 * when it dies. So a client's retry comes to the exchange that follows, however long that takes to start.
 */
export async function openDoor(exchange: KeptExchange, core: Core): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const selling = async (): Promise<boolean> =>
    exchange.ready() !== null && (await core.client.market.listings({ venueId: VENUE }))[0]?.state === 'listed'
  const pass = async (from: Socket): Promise<void> => {
    while (!(await selling().catch(() => false))) await systemClock.sleep(LOOK_MS)
    if (from.destroyed) return
    const port = Number(new URL(exchange.ready()?.url ?? 'http://127.0.0.1:1').port)
    const to = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
  const server = createServer((socket) => void pass(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
