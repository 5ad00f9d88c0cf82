/**
 * Accidents of a rig that sells: a real core, a real exchange and buyers over HTTP in one process, on a real disk; the
 * engine is a fake that knows the exam. How soon after each the exchange has no offer any more, what is said, and that
 * selling goes on by itself. One rig has them one after another; losing its folder is the last.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { DeploymentId, Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { TRIGGERS } from '#core/breaker/triggers.ts'
import type { SensorsPort } from '#core/hardware/sensors.port.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { parseWindowsCounters } from '#sensors/windows-counters.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { openInProcessStack, untilOnline, type InProcessStack } from '#test/support/in-process-stack.ts'
import { until } from '#test/support/until.ts'
import { VENUE } from '#test/support/venue.ts'

import { admin } from '../../exchange-server/exchange-support.ts'

const NANO = 'practice/text-nano' as Instrument
const SEED = 'stops-selling'
const ASK = onePrice(nanoPerMtok(1_000_000_000))
const CONTENT = 'a fake model, as it was examined'
const answers = new Map(
  FAMILIES.flatMap((family) => Array.from({ length: 60 }, (_, index) => examItem(SEED, family, 1, index))).map(
    (item) => [item.prompt, item.answer],
  ),
)
const now = { fails: false, silentMs: 0, isServing: false, sharedMib: 40 }
const PID = 4_711
/** One adapter of Windows, on which the engine's process lies. */
const sensors: SensorsPort = {
  hasHint: () => true,
  read: async () => ({
    problem: null,
    sources: [
      {
        source: 'windows',
        problem: null,
        restarts: 0,
        devices: parseWindowsCounters(
          JSON.stringify({
            adapters: [
              {
                Name: 'luid_0x00000000_0x0000CAFE_phys_0',
                DedicatedUsage: 2 ** 33,
                SharedUsage: now.sharedMib * 2 ** 20,
              },
            ],
            processes: [
              {
                Name: `pid_${PID}_luid_0x00000000_0x0000CAFE_phys_0`,
                DedicatedUsage: 2 ** 32,
                SharedUsage: now.sharedMib * 2 ** 20,
              },
            ],
          }),
        ),
      },
    ],
  }),
  rest: () => Promise.resolve(),
  stop: () => Promise.resolve(),
}
const processes = [
  { pid: PID, name: 'fake process', state: 'loaded' as const, rssBytes: 0, running: 0, slots: 1, threads: 1 },
]
const engines = () =>
  createFakeEngines({
    make: () =>
      createFakeEngine({
        stats: () => ({ silentMs: now.silentMs, processes, ...(now.isServing ? { running: 1 } : {}) }),
        answer: (request) => {
          if (now.fails) return { code: 'ENGINE_CRASHED', message: 'fake', data: {} }
          if (request.ignoreEos) return 'word '.repeat(request.maxTokens + 1)
          return answers.get(request.messages.at(-1)!.content) ?? 'Sold, word by word!'
        },
      }),
  })

let stack: InProcessStack
let folder: string
let model: string
let deploymentId: DeploymentId
let key: string

const rpc = () => stack.core.client
const listing = async (): Promise<{ state: string; why: string; slots: number }> => {
  const [one] = await rpc().market.listings({ venueId: VENUE })
  return { state: one!.state, why: one!.reason.code, slots: one!.slots }
}
const isListed = async (): Promise<boolean> => (await listing()).state === 'listed'

/** One call; whether it was answered. */
async function buy(): Promise<boolean> {
  const response = await fetch(`${stack.exchange.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: NANO, messages: [{ role: 'user', content: 'Sell me words' }], max_tokens: 16 }),
  })
  await response.arrayBuffer()
  return response.ok
}

/** Buys, ten times a second, until it is no more listed: after how many milliseconds, and how many calls failed. */
async function buyUntilStopped(): Promise<{ ms: number; failed: number }> {
  const from = performance.now()
  let failed = 0
  while (await isListed()) {
    if (performance.now() - from > 30_000) throw new Error('it goes on selling')
    if (!(await buy())) failed += 1
    await sleep(100)
  }
  return { ms: performance.now() - from, failed }
}
const untilStopped = async (): Promise<number> => {
  const from = performance.now()
  await until('the end of selling', async () => !(await isListed()), 30_000)
  return performance.now() - from
}
const soldAgain = async (): Promise<void> => {
  await until('listed again', isListed, 60_000)
  expect(await buy()).toBe(true)
}
const said = async (): Promise<{ home: string; grade: string; open: string[] }> => {
  const { sentence, ladder } = await rpc().app.home({ venueId: VENUE })
  const { open } = await rpc().app.stoppages()
  const rung = ladder.find(({ id }) => id === 'not-paused')!
  return { home: sentence.code, grade: `${rung.state} ${rung.detail.code}`, open: open.map(({ kind }) => kind) }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stoker-test-'))
  mkdirSync(join(folder, 'drive'))
  model = join(folder, 'drive', 'fake.gguf')
  writeFileSync(model, CONTENT)
  // The exchange's folder outside of it: what is lost is the seller's alone.
  stack = await openInProcessStack({
    folder: join(folder, 'data'),
    exchangeDir: join(folder, 'exchange'),
    examSeed: SEED,
    engines,
    sensors,
  })
  const { client } = stack.core
  await untilOnline(stack.core)
  let sha256 = ''
  for await (const step of await client.models.import({ path: model }))
    if (step.kind === 'done') sha256 = step.model.sha256
  const settings = { slots: 1, contextTokens: 256, threads: 1, gpuLayers: 0 }
  deploymentId = (await client.models.deploy({ sha256, settings })).deploymentId
  const { examId } = await client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
  for await (const step of await client.exams.progress({ venueId: VENUE, examId }))
    if (step.endedAt !== null && step.state !== 'passed') throw new Error(`the exam ended ${step.state}`)
  await client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask: ASK })
  key = (await admin<{ key: string }>(stack.exchange, '/buyer-keys', {})).key
}, 240_000)
afterAll(async () => {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Of e2fsprogs; whether it is there and allowed is tried. */
const CHATTR = 'chattr'
const canMakeImmutable = ((): boolean => {
  const probe = join(mkdtempSync(join(tmpdir(), 'stoker-test-')), 'probe')
  try {
    writeFileSync(probe, '')
    execFileSync(CHATTR, ['+i', probe], { stdio: 'ignore' })
    execFileSync(CHATTR, ['-i', probe], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(dirname(probe), { recursive: true })
  }
})()
const books = (): string[] => ['', '-wal'].map((end) => join(folder, 'data', `practice.db${end}`)).filter(existsSync)
const immutable = (flag: '+i' | '-i'): void => void execFileSync(CHATTR, [flag, ...books()])

describe('a rig that cannot do what it sells', { timeout: 120_000 }, () => {
  it('own faults in a row: stops, says so, tries itself and sells again', async () => {
    expect(await buy()).toBe(true)
    now.fails = true
    const { ms } = await buyUntilStopped()
    expect(ms).toBeLessThan(TRIGGERS['own-faults'].withinMs)
    expect(await listing()).toMatchObject({ state: 'waiting', why: 'breaker.ownFaults', slots: 0 })
    expect(await said()).toEqual({ home: 'home.stopped', grade: 'no breaker.ownFaults', open: ['own-faults'] })
    expect(await buy()).toBe(false)
    await until('a self-check that fails', async () => (await rpc().app.stoppages()).open[0]?.checks === 1)
    now.fails = false
    await soldAgain()
  })

  it('the owner, who has read why, sells again at once', async () => {
    now.fails = true
    await buyUntilStopped()
    now.fails = false
    expect(await rpc().market.relist({ venueId: VENUE, instrument: NANO })).toMatchObject({ slots: 1 })
    await until('listed', isListed, 5_000)
    expect(await buy()).toBe(true)
    const { recorded } = await rpc().app.stoppages()
    expect(recorded.slice(0, 2).map(({ what }) => what)).toEqual(['breaker.byHand', 'breaker.stopped'])
  })

  it('case 12, with a fake: a silent engine is not running, and nothing is sold through it', async () => {
    now.silentMs = 3_000
    expect(await untilStopped()).toBeLessThan(TRIGGERS['silent-engine'].withinMs)
    expect(await listing()).toMatchObject({ why: 'breaker.silentEngine' })
    const { ladder } = await rpc().app.home({ venueId: VENUE })
    expect(ladder.find(({ id }) => id === 'engine')).toMatchObject({ state: 'no', fix: 'models' })
    for await (const { engine } of await rpc().app.live()) {
      expect(engine).toMatchObject({ kind: 'silent', detail: { code: 'engine.saysNothing' } })
      break
    }
    now.silentMs = 0
    await soldAgain()
  })

  it('a model that spills into main memory: stops with that reason, no exam of that time stands, sold again once it is back', async () => {
    const { examId } = await rpc().exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
    now.isServing = true
    now.sharedMib = 2_000
    expect(await untilStopped()).toBeLessThan(TRIGGERS['memory-spill'].withinMs)
    expect(await listing()).toMatchObject({ state: 'waiting', why: 'breaker.memorySpill', slots: 0 })
    // It ran on, or had just passed: in both cases it counts for nothing.
    await until('the exam does not stand', async () => {
      const { state, voidReason } = await rpc().exams.get({ venueId: VENUE, examId })
      return state === 'cancelled' && voidReason?.code === 'exam.spilled'
    })
    await expect(rpc().exams.start({ venueId: VENUE, instrument: NANO, deploymentId })).rejects.toMatchObject({
      data: { code: 'CONFLICT', reason: { code: 'exam.stopped' } },
    })
    await expect(rpc().market.relist({ venueId: VENUE, instrument: NANO })).rejects.toMatchObject({
      data: { code: 'CONFLICT', reason: { code: 'breaker.stillSo' } },
    })
    now.isServing = false
    now.sharedMib = 40
    await soldAgain()
  })

  it('a file changed in place, of the same size: nothing is sold before it is the examined one again', async () => {
    await sleep(20)
    writeFileSync(model, CONTENT.replace('fake', 'FAKE'))
    expect(await untilStopped()).toBeLessThan(TRIGGERS['changed-file'].withinMs)
    expect(await listing()).toMatchObject({ why: 'breaker.fileChanged' })
    await expect(rpc().market.relist({ venueId: VENUE, instrument: NANO })).rejects.toMatchObject({
      data: { code: 'CONFLICT', reason: { code: 'breaker.stillSo' } },
    })
    await expect(rpc().exams.start({ venueId: VENUE, instrument: NANO, deploymentId })).rejects.toMatchObject({
      data: { code: 'CONFLICT', reason: { code: 'exam.stopped' } },
    })
    await sleep(20)
    writeFileSync(model, CONTENT)
    await soldAgain()
  })

  it.skipIf(!canMakeImmutable)(
    'case 7: books made immutable while they are sold from (needs chattr): the sale stops within seconds',
    async () => {
      immutable('+i')
      try {
        const { ms, failed } = await buyUntilStopped()
        expect(ms).toBeLessThan(TRIGGERS['books-not-writable'].withinMs)
        expect(failed).toBeLessThan(10)
        // Whoever looks at the disk may say it first; the breaker's reason stands before his.
        await until('the cause', async () => (await listing()).why === 'breaker.booksNotWritable')
        const { home, open } = await said()
        expect([home, open]).toEqual(['home.stopped', expect.arrayContaining(['books-not-writable'])])
      } finally {
        immutable('-i')
      }
      await soldAgain()
      // Nobody buys: it is seen all the same.
      immutable('+i')
      try {
        expect(await untilStopped()).toBeLessThan(TRIGGERS['books-not-writable'].withinMs)
      } finally {
        immutable('-i')
      }
      await soldAgain()
    },
  )

  it('case 11: a drive that is mounted after the start is found, and its model sold again', async () => {
    const drive = join(folder, 'drive')
    renameSync(drive, `${drive}-away`)
    await stack.restartCore()
    await untilOnline(stack.core)
    await until('it is missed', async () => (await rpc().models.deployments())[0]?.state === 'failed')
    // The records are compared first, after a start.
    await until('it waits for its model', async () => (await listing()).why === 'model.fileGone')
    renameSync(`${drive}-away`, drive)
    await soldAgain()
    expect((await rpc().models.deployments())[0]).toMatchObject({ deploymentId, state: 'loaded' })
  })

  it('case 9: the data folder is deleted while it runs: the sale stops, it is said, and the owner cannot sell on', async () => {
    expect(readFileSync(join(folder, 'data', 'practice.db')).length).toBeGreaterThan(0)
    rmSync(join(folder, 'data'), { recursive: true })
    expect(await untilStopped()).toBeLessThan(TRIGGERS['folder-gone'].withinMs)
    // A commit may have failed first, and said so; what is behind it is seen at the next look.
    await until('the cause', async () => (await listing()).why === 'breaker.folderGone')
    expect((await said()).home).toBe('home.stopped')
    expect(await buy()).toBe(false)
    await expect(rpc().market.relist({ venueId: VENUE, instrument: NANO })).rejects.toMatchObject({
      data: { code: 'CONFLICT' },
    })
  })
})
