/** Jobs on a GPU through the engine's own contract: layers, several devices, prefixes, cancel, kill. */
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import type { EnginePort, EngineSettings } from '#core/engine/engine.port.ts'

import { ask, NANO, realEngine, run, SHA, submit, whenState } from '../engine/engine-support.ts'
import { gpus, LONG, makeEngines, noGpu, noTwo, ON_GPU, TWO } from './gpu-machine.ts'

const FILE = { path: NANO, sha256: SHA }
const LOCAL = { kind: 'local' } as const
/** The nano model is sure of this one: roundings do not change it. */
const QUESTION = 'What is 12 + 9? Answer with the number only.'
const short = ask(QUESTION, { maxTokens: 8, sampling: { temperature: 0 } })

afterEach(() => void vi.unstubAllEnvs())

function engine() {
  const made = realEngine()
  onTestFinished(() => made.engine.stop())
  return made
}

async function pool(settings: EngineSettings): Promise<{ pool: EnginePort; device: string; pids: (number | null)[] }> {
  const { engines, pids } = makeEngines()
  onTestFinished(() => engines.stop())
  const pool = engines.of('d', LOCAL)
  return { pool, device: (await pool.load(FILE, settings)).device, pids }
}
const answersOf = async (port: EnginePort, count: number): Promise<string[]> =>
  (await Promise.all(Array.from({ length: count }, () => run(port, short)))).map(({ text, error }) => {
    expect(error).toBeNull()
    return text
  })

describe.skipIf(noGpu)('layers', () => {
  it('all, some and none of them answer alike', async ({ task }) => {
    const { engine: one } = engine()
    const answers = new Map<number, string>()
    for (const gpuLayers of [0, 2, 1_000]) {
      const { device } = await one.load(FILE, { ...ON_GPU, gpuLayers })
      if (gpuLayers === 0) expect(device).toMatch(/^CPU: /)
      else expect(device).toBe(gpus.map(({ name }) => name).join(' + '))
      answers.set(gpuLayers, (await run(one, short)).text)
    }
    const said = new Set(answers.values())
    expect(said.size).toBe(1)
    expect([...said][0]).toMatch(/\w/)
    task.meta.seen = [...answers.keys()].map((layers) => (layers === 1_000 ? 'all' : layers)).join(', ')
  })
})

describe.skipIf(noTwo)('two devices', () => {
  it('together: one process, the layers over both', async ({ task }) => {
    if (TWO !== undefined) vi.stubEnv('GGML_VK_VISIBLE_DEVICES', TWO)
    const made = await pool(ON_GPU)
    expect(made.device.split(' + ').length).toBeGreaterThan(1)
    const [one, ...more] = await answersOf(made.pool, 2)
    expect(one).toMatch(/\w/)
    expect(more).toEqual([one])
    expect(made.pool.stats().processes).toHaveLength(1)
    task.meta.seen = made.device
  })

  it('each: a process on each, with the whole model', async ({ task }) => {
    if (TWO !== undefined) vi.stubEnv('GGML_VK_VISIBLE_DEVICES', TWO)
    const made = await pool({ ...ON_GPU, gpus: 'each', processes: 2 })
    expect(made.device).not.toContain(' + ')
    expect(made.pool.stats().processes.map(({ name }) => name)).toEqual([
      'process 1 of 2 on GPU 0',
      'process 2 of 2 on GPU 1',
    ])
    const answers = await answersOf(made.pool, 4)
    expect(new Set(answers).size).toBe(1)
    // Two processes serve; one more was asked for the list.
    expect(new Set(made.pool.stats().processes.map(({ pid }) => pid)).size).toBe(2)
    expect(made.pids).toHaveLength(3)
    task.meta.seen = 'process 1 on GPU 0, process 2 on GPU 1'
  })
})

describe.skipIf(noGpu)('jobs', () => {
  it('reuse the prefix of the one before, and answer alike', async ({ task }) => {
    const { engine: one } = engine()
    await one.load(FILE, { ...ON_GPU, slots: 1, prefixReuse: true })
    const first = await run(one, short)
    const again = await run(one, short)
    expect(first.usage.cachedTokens).toBe(0)
    expect(again.usage.cachedTokens).toBe(first.usage.promptTokens - 1)
    expect(again.text).toBe(first.text)
    task.meta.seen = `${again.usage.cachedTokens} of ${again.usage.promptTokens} prompt tokens`
  })

  it('are cancelled in the middle, and the next is served', async ({ task }) => {
    const { engine: one } = engine()
    await one.load(FILE, ON_GPU)
    const long = submit(one, ask(QUESTION, { ignoreEos: true, maxTokens: LONG }))
    await long.firstDelta
    one.cancel(long.id)
    const { finish, usage, error } = await long.outcome
    expect({ finish, error }).toEqual({ finish: 'cancelled', error: null })
    expect(usage.generatedTokens).toBeLessThan(LONG)
    expect(await run(one, short)).toMatchObject({ error: null, text: expect.stringMatching(/\w/) })
    task.meta.seen = `after ${usage.generatedTokens} of ${LONG} tokens`
  })

  it('of a killed process fail, the model comes back by itself and serves the next', async ({ task }) => {
    const { engine: one, forks } = engine()
    await one.load(FILE, ON_GPU)
    const long = submit(one, ask(QUESTION, { ignoreEos: true, maxTokens: LONG }))
    await long.firstDelta
    const away = whenState(one, 'backoff')
    process.kill(forks[0]?.pid ?? 0, 'SIGKILL')
    expect((await long.outcome).error?.code).toBe('ENGINE_CRASHED')
    await away
    expect(await run(one, short)).toMatchObject({ error: null, text: expect.stringMatching(/\w/) })
    expect(forks.length).toBe(2)
    task.meta.seen = 'a second process serves'
  })
})
