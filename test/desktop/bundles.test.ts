/**
 * The built desktop bundles, whole, without Electron: the real shell forks out/main/core.js, engine.js and exchange.js
 * as real processes over doubles of Electron's ports, and the page's end sells a job. Shows that the bundles find their
 * native modules and resources, and that nothing listens.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import type { Contract } from '#contract/index.ts'
import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import type { Live } from '#contract/app.ts'
import type { Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'

import { bundle, ensureBuilt } from '../support/built.ts'
import { startDesktopApp } from '../support/desktop-app.ts'
import type { FakeUtilityProcess } from '../support/fake-utility-process.ts'
import { isAlive } from '../support/processes.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { VENUE } from '#test/support/venue.ts'

type Client = ContractRouterClient<Contract>
const NANO = 'practice/text-nano' as Instrument
const WAIT_MS = 60_000

async function app(dataDir: string) {
  const started = await startDesktopApp(dataDir)
  // The shell writes on what its children write.
  onTestFinished(() => started.quit())
  const connect = async (): Promise<Client> =>
    createORPCClient<Client>(new RPCLink({ port: channelAsPort(messagePortMainChannel(await started.connect())) }))
  return { ...started, connect }
}

/** Follows the core's live values until `test` holds. */
async function shows(client: Client, what: string, test: (live: Live) => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MS)
  try {
    for await (const live of await client.app.live(undefined, { signal })) if (await test(live)) return
  } catch (error) {
    if (!signal.aborted) throw error
  }
  throw new Error(`${what}: not within ${WAIT_MS / 1000} s`)
}

const settledJobs = async (client: Client): Promise<number> =>
  (await client.jobs.list({ venueId: VENUE })).jobs.filter((job) => job.state === 'settled').length

const pidsOf = (forked: readonly FakeUtilityProcess[]): number[] =>
  forked.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))

/**
 * Those of `pids` that hold a listening TCP socket: /proc/net/tcp has it in state 0A, /proc/PID/fd names its inode.
 * Empty where there is no /proc.
 */
function listening(pids: readonly number[]): number[] {
  if (!existsSync('/proc/net/tcp')) return []
  const rows = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1))
  const inodes = new Set(
    rows
      .map((row) => row.trim().split(/\s+/))
      .flatMap((fields) => (fields[3] === '0A' ? [`socket:[${fields[9]}]`] : [])),
  )
  return pids.filter((pid) => readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`))))
}
const linkOf = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

beforeAll(ensureBuilt, 120_000)

describe('the built desktop bundles', () => {
  it('import nothing of Electron outside the shell and the preload', () => {
    const seen = new Set<string>()
    const packages = (file: string): string[] => {
      if (seen.has(file)) return []
      seen.add(file)
      const names = [
        ...readFileSync(file, 'utf8').matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\n]+)["']/g),
      ].map(([, name]) => name!)
      return names.flatMap((name) =>
        name.startsWith('.')
          ? existsSync(join(dirname(file), name))
            ? packages(join(dirname(file), name))
            : []
          : [name],
      )
    }
    expect(packages(bundle('shell'))).toContain('electron')
    seen.clear()
    for (const name of ['core', 'engine', 'exchange'] as const)
      expect(packages(bundle(name)).filter((one) => /electron/i.test(one))).toEqual([])
  })

  it('sell a job of the bundled model through the page’s port, survive a killed engine, and leave no process behind', async () => {
    const dataDir = join(tempDir(), 'rig')
    const { connect, forked, quit, fake } = await app(dataDir)
    const client = await connect()
    const hello = await client.app.hello()
    expect(hello).toMatchObject({ mode: 'desktop', venues: [{ realm: 'practice' }], dataDir, exchangeUrl: null })
    await shows(
      client,
      'the bundled model and the exchange',
      async (live) =>
        live.venues.every(({ kind }) => kind === 'online') &&
        (await client.models.list()).some(({ bundled }) => bundled),
    )
    const model = (await client.models.list()).find(({ bundled }) => bundled)!
    const { deploymentId, state } = await client.models.deploy({
      sha256: model.sha256,
      settings: { slots: 2, contextTokens: 256, threads: 1, gpuLayers: 0 },
    })
    expect(state).toBe('loaded')

    const { examId } = await client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
    let last = ''
    for await (const exam of await client.exams.progress({ venueId: VENUE, examId })) last = exam.state
    expect(last).toBe('passed')
    expect(
      await client.market.list({
        venueId: VENUE,
        instrument: NANO,
        deploymentId,
        ask: onePrice(nanoPerMtok(1_000_000_000)),
      }),
    ).toMatchObject({ state: 'listed' })
    await shows(client, 'the first job', async () => (await settledJobs(client)) > 0)
    expect(
      (await client.earnings.summary({ venueId: VENUE, from: 0, to: hello.now + 86_400_000, zone: 'UTC' })).heldNano,
    ).toBeGreaterThan(0)

    const engine = forked.findLast(({ entry }) => entry === bundle('engine'))!
    const [enginePid, before] = [engine.pid!, await settledJobs(client)]
    process.kill(enginePid, 'SIGKILL')
    await shows(
      client,
      'a job after the engine was killed',
      async (live) => live.engine.kind === 'loaded' && (await settledJobs(client)) > before,
    )
    expect(forked.findLast(({ entry }) => entry === bundle('engine'))!.pid).not.toBe(enginePid)
    expect(await client.app.ledgerCheck({ venueId: VENUE })).toMatchObject({ ok: true, problems: [] })
    expect(fake.tray.text).not.toBe('')

    const [jobs, old] = [await settledJobs(client), pidsOf(forked)]
    process.kill(old[0]!, 'SIGKILL')
    await until('the core to be gone', () => !isAlive(old[0]!) && forked[0]!.pid === undefined, WAIT_MS)
    const again = await connect()
    const online = (live: Live): boolean => live.venues.every(({ kind }) => kind === 'online')
    await shows(again, 'the exchange, to compare with', online)
    expect(await again.app.ledgerCheck({ venueId: VENUE })).toMatchObject({ ok: true, problems: [] })
    expect(await settledJobs(again)).toBeGreaterThanOrEqual(jobs)
    await shows(again, 'a job after the core was killed', async () => (await settledJobs(again)) > jobs)
    expect(old.filter(isAlive)).toEqual([])

    const pids = pidsOf(forked)
    expect([pids.length, listening(pids)]).toEqual([3, []])
    await quit()
    expect(pids.filter(isAlive)).toEqual([])
    expect(fake.exits).toEqual([])
    expect(existsSync(join(dataDir, 'owner.json'))).toBe(false)
  }, 240_000)

  it('copy the folder in a thread, whose code is a bundle of its own', async () => {
    const { connect } = await app(join(tempDir(), 'rig'))
    const client = await connect()
    const folder = join(tempDir(), 'copies')
    await client.backup.start({ folder })
    await until('the copy', async () => (await client.backup.status()).running === null)
    const { last, recent } = await client.backup.status()
    expect(recent[0]?.problem).toBeNull()
    expect(readdirSync(last!.path)).toEqual(expect.arrayContaining(['manifest.json', 'practice.db', 'seller.key']))
  })

  it('tell the owner when the folder is in use, instead of restarting', async () => {
    const dataDir = join(tempDir(), 'rig')
    const first = await app(dataDir)
    await (await first.connect()).app.hello()
    const second = await app(dataDir)
    await until('the second one to end', () => second.fake.exits.length > 0, WAIT_MS)
    expect(second.failed).toEqual([expect.stringContaining(`process ${first.forked[0]!.pid}`)])
    expect([second.fake.errors.length, second.forked.length, second.fake.exits, second.shell.childCount]).toEqual([
      1,
      1,
      [3],
      0,
    ])
    expect((await (await first.connect()).app.hello()).mode).toBe('desktop')
  }, 240_000)
})
