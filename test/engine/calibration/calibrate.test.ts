import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { Calibration, CalibrationPoint } from '#core/engine/engines.port.ts'
import { bestSetup, severalProcesses, threadCounts } from '#engine/calibration/setups.ts'
import { calibrate } from '#engine/calibration/calibrate.ts'
import { createLog } from '#lib/log.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

import { FakeMember, type FakeMachine } from './calibrate-member.ts'
import { ONE_SLOT, SHA } from '../engine-support.ts'

const settings: EngineSettings = { ...ONE_SLOT, contextTokens: 2_048, slots: 8, threads: 2 }
const log = createLog('test').child({}, { level: 'silent' })

/** Two threads give 1.6 times one; eight streams five times one. */
const machine = (more: Partial<FakeMachine> = {}): FakeMachine => ({
  clock: new FakeClock(),
  members: [],
  decode: (threads, streams, working) =>
    (200 * (0.4 + 0.6 * threads) * (1 + (streams - 1) * 0.57)) / Math.max(1, working),
  prompt: (threads, batchTokens) => 2_000 * threads * (0.8 + batchTokens / 2_560),
  fits: () => 'yes',
  ...more,
})

interface Run {
  result: Promise<Calibration>
  progress: [number, number][]
  stop: AbortController
}

function start(fake: FakeMachine, { requested = settings, cores = 2, others = 0, gpus = 0 } = {}): Run {
  const progress: [number, number][] = []
  const stop = new AbortController()
  const found = Array.from({ length: gpus }, (_, index) => ({ index, name: `Fake GPU ${index}` }))
  const options = {
    make: (gpu: number | null) => new FakeMember(fake, gpu),
    gpus: async () => found,
    clock: fake.clock,
    log,
    cores,
    others: async () => others,
  }
  const result = calibrate(options, { path: '/m.gguf', sha256: SHA }, requested, {
    signal: stop.signal,
    onProgress: (done, of) => void progress.push([done, of]),
  })
  result.catch(() => undefined)
  return { result, progress, stop }
}

async function finish(fake: FakeMachine, run: Run): Promise<Calibration> {
  const state = { over: false }
  const mark = (): void => void (state.over = true)
  run.result.then(mark, mark)
  for (let waits = 0; waits < 5_000; waits += 1) {
    if (state.over) break
    await fake.clock.advance(10)
  }
  return run.result
}

describe('measuring a model', () => {
  it('finds the threads, the processes and the batch of a machine that two threads help, within ten seconds', async () => {
    const fake = machine()
    const run = start(fake)
    const found = await finish(fake, run)
    expect(found.settings).toEqual({ processes: 1, threads: 2, batchTokens: 512, gpus: 'together' })
    expect(found.durationMs).toBeLessThan(10_000)
    const point = found.points.find(
      ({ processes, threads, streams }) => processes === 1 && threads === 2 && streams === 8,
    )
    expect(point?.tokensPerSecond).toBeGreaterThan(1_596 * 0.9)
    expect(point?.tokensPerSecond).toBeLessThan(1_596 * 1.1)
    expect(found.promptTokensPerSecond).toBeGreaterThan(3_000)
    expect(found.promptTokensPerSecond).toBeLessThan(4_400)
    expect(run.progress.at(-1)).toEqual([run.progress[0]![1], run.progress[0]![1]])
    expect(run.progress.every(([done], index) => index === 0 || done >= run.progress[index - 1]![0])).toBe(true)
    expect(fake.members.every((member) => member.stopped)).toBe(true)
    expect(fake.clock.waiting).toBe(0)
  })

  it('takes two processes where two threads of one are no faster (tiny models)', async () => {
    const fake = machine({ decode: (_, streams) => 1_000 * (1 + (streams - 1) * 0.3) })
    const { settings: best, points } = await finish(fake, start(fake))
    expect(best).toMatchObject({ processes: 2, threads: 2 })
    expect(points.filter(({ processes }) => processes === 2).map(({ streams }) => streams)).toEqual([8, 1, 4])
  })

  it('does not measure processes for which there is no room, and goes on when one of several cannot load', async () => {
    const tight = machine({ fits: (processes) => (processes > 1 ? 'tight' : 'yes') })
    expect((await finish(tight, start(tight))).points.every(({ processes }) => processes === 1)).toBe(true)
    const full = machine({
      refuse: ({ slots }) => (slots < 8 ? new StokerError('ENGINE_OUT_OF_MEMORY', 'no') : undefined),
    })
    expect((await finish(full, start(full))).settings.processes).toBe(1)
    expect(full.members.every((member) => member.stopped)).toBe(true)
  })

  it('finds a smaller batch that reads prompts faster, and reports its rate', async () => {
    const fake = machine({ prompt: (_, batchTokens) => (batchTokens === 128 ? 3_000 : 2_000) })
    const found = await finish(fake, start(fake))
    expect(found.settings.batchTokens).toBe(128)
    expect(found.promptTokensPerSecond).toBeGreaterThan(2_500)
  })

  it('leaves threads that decodes do not need to prompts that gain by them (long prompts of a small model at half speed)', async () => {
    const decode = (_threads: number, _streams: number, working: number): number => 1_000 / Math.max(1, working)
    const gaining = machine({ decode, prompt: (threads) => 2_000 * threads })
    expect((await finish(gaining, start(gaining))).settings).toMatchObject({ processes: 1, threads: 2 })
    const same = machine({ decode, prompt: () => 2_000 })
    expect((await finish(same, start(same))).settings).toMatchObject({ processes: 1, threads: 1 })
  })

  it('ends in time with a slow model, with fewer points (a first load waits for this)', async () => {
    const fake = machine({ decode: (threads, streams) => 3 * threads * (1 + streams * 0.1), prompt: () => 8 })
    const found = await finish(fake, start(fake, { cores: 8, requested: { ...settings, threads: 8 } }))
    expect(found.durationMs).toBeLessThan(20_000)
    expect(found.settings.threads).toBe(8)
    expect(found.settings.batchTokens).toBe(512)
  })

  it('stops at once when it is told to, and leaves nothing behind', async () => {
    const fake = machine()
    const run = start(fake)
    await fake.clock.advance(900)
    run.stop.abort(new StokerError('CANCELLED', 'enough'))
    await fake.clock.advance(1)
    await expect(run.result).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(fake.members.every((member) => member.stopped)).toBe(true)
    await fake.clock.advance(3_000)
    expect(fake.clock.waiting).toBe(0)
  })

  it('says whether other programs left the machine alone', async () => {
    const [alone, beside] = [machine(), machine()]
    expect(await finish(alone, start(alone))).toMatchObject({ quiet: true })
    expect(await finish(beside, start(beside, { others: 1 }))).toMatchObject({ quiet: false })
  })

  it('passes on what keeps the model from loading', async () => {
    const fake = machine({ refuse: () => new StokerError('ENGINE_OUT_OF_MEMORY', 'no') })
    await expect(finish(fake, start(fake))).rejects.toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY' })
  })

  it('measures one setup on a GPU, where threads hardly matter', async () => {
    const fake = machine()
    const found = await finish(fake, start(fake, { requested: { ...settings, gpuLayers: 1_000, threads: 2 } }))
    expect(found.points.map(({ processes, threads }) => [processes, threads])).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
  })
})

describe('on several GPUs', () => {
  const onGpu = { ...settings, gpuLayers: 1_000 }
  /** Split over GPUs a step passes through one after another; each for itself they add up. */
  const split = (more: Partial<FakeMachine> = {}): FakeMachine =>
    machine({ decode: (_threads, streams) => 100 * Math.min(streams, 4), ...more })

  it('compares one process over all with one on each, bound to it, and takes the faster', async () => {
    const fake = split()
    const found = await finish(fake, start(fake, { requested: onGpu, gpus: 2 }))
    expect(found).toMatchObject({ settings: { processes: 2, threads: 2, gpus: 'each' }, onGpu: true })
    expect(fake.members.map(({ gpu }) => gpu)).toEqual([null, null, 0, 1])
    expect(fake.members[2]?.loads).toMatchObject([{ gpus: 'each', slots: 4, processes: 1 }])
    expect(fake.members[0]?.loads[0]).toMatchObject({ gpus: 'together', slots: 8 })
    expect(fake.members.every((member) => member.stopped)).toBe(true)
  })

  it('leaves them together where that is as fast (a single stream split over fast links), and where a GPU has no room', async () => {
    const fast = split({ decode: (_threads, streams, working) => (100 * streams) / working })
    expect((await finish(fast, start(fast, { requested: onGpu, gpus: 2 }))).settings).toMatchObject({
      processes: 1,
      gpus: 'together',
    })
    const full = split({
      refuse: ({ gpus }) => (gpus === 'each' ? new StokerError('ENGINE_OUT_OF_MEMORY', 'no') : undefined),
    })
    expect((await finish(full, start(full, { requested: onGpu, gpus: 2 }))).settings).toMatchObject({
      processes: 1,
      gpus: 'together',
    })
  })

  it('compares them however long the model took to load: it is what a first load waits for', async () => {
    const slow = split({ loadMs: 20_000 })
    expect((await finish(slow, start(slow, { requested: onGpu, gpus: 2 }))).settings.gpus).toBe('each')
  })

  it('does not begin with one slot, or on one GPU', async () => {
    for (const how of [
      { requested: { ...onGpu, slots: 1 }, gpus: 2 },
      { requested: onGpu, gpus: 1 },
    ]) {
      const fake = split()
      expect(await finish(fake, start(fake, how))).toMatchObject({
        settings: { processes: 1, gpus: 'together' },
        onGpu: true,
      })
      expect(fake.members).toHaveLength(1)
    }
  })
})

describe('the choice', () => {
  const points = (rates: Record<string, [one: number, all: number]>): CalibrationPoint[] =>
    Object.entries(rates).flatMap(([setup, [one, all]]) => {
      const [processes = 1, threads = 1] = setup.split('x').map(Number)
      return [
        { processes, threads, streams: 1, tokensPerSecond: one },
        { processes, threads, streams: 8, tokensPerSecond: all },
      ]
    })
  const setups = [
    { processes: 1, threads: 2, gpus: 'together' as const },
    { processes: 1, threads: 1, gpus: 'together' as const },
    { processes: 2, threads: 2, gpus: 'together' as const },
  ]

  it('is the most with all slots, unless a single stream loses more than 15 % by it', () => {
    expect(bestSetup(points({ '1x2': [100, 300], '1x1': [70, 250], '2x2': [90, 400] }), setups, 8, true)).toMatchObject(
      { processes: 2, threads: 2 },
    )
    expect(bestSetup(points({ '1x2': [100, 300], '1x1': [70, 250], '2x2': [80, 400] }), setups, 8, true)).toMatchObject(
      { processes: 1, threads: 2 },
    )
  })

  it('takes fewer threads between equals', () => {
    expect(
      bestSetup(points({ '1x2': [100, 300], '1x1': [100, 298], '2x2': [100, 299] }), setups, 8, true),
    ).toMatchObject({ processes: 1, threads: 1 })
  })

  it('keeps the threads when others kept the machine busy: what was slow then need not be slow (one thread for ever, measured in a bad minute)', () => {
    expect(bestSetup(points({ '1x2': [20, 200], '1x1': [60, 390], '2x2': [50, 240] }), setups, 8, false)).toMatchObject(
      { processes: 1, threads: 2 },
    )
    expect(bestSetup(points({ '1x2': [20, 200], '1x1': [60, 390], '2x2': [50, 300] }), setups, 8, false)).toMatchObject(
      { processes: 2, threads: 2 },
    )
  })

  it('looks at few of many thread counts', () => {
    expect(threadCounts(1)).toEqual([1])
    expect(threadCounts(2)).toEqual([2, 1])
    expect(threadCounts(12)).toEqual([12, 11, 8, 4, 2, 1])
    expect(severalProcesses(2, 8)).toEqual([{ processes: 2, threads: 2, gpus: 'together' }])
    expect(severalProcesses(7, 8).map(({ processes, threads }) => `${processes}x${threads}`)).toEqual([
      '2x6',
      '2x2',
      '4x4',
    ])
    expect(severalProcesses(8, 1)).toEqual([])
  })
})
