/** What a model is warmed up with, in which order and time, and what becomes of it when that fails or is ended. */
import { describe, expect, it } from 'vitest'

import { fail } from '#contract/errors.ts'
import { warmUp, warmUpPlan, type WarmUpStep } from '#engine/host/warm-up.ts'
import type { SamplerOptions, StepItem } from '#engine/host/scheduler/step-model.ts'

import { FakeStepModel } from './scheduler/fake-step-model.ts'

const text = (step: WarmUpStep): string =>
  step.kind === 'prompt' ? `p${step.tokens}` : step.kind === 'decode' ? `d${step.streams}` : 'grammar'
const plan = (shape: Parameters<typeof warmUpPlan>[0]): string => warmUpPlan(shape).map(text).join(' ')

/** A model whose steps take `ms` each on the clock that it carries. */
function model(options: { slots?: number; contextTokens?: number; onGpu?: boolean; ms?: number } = {}) {
  const { slots = 2, contextTokens = 64, onGpu = true, ms = 0 } = options
  const made = new FakeStepModel({ slots, contextTokens, batchTokens: 512, prefixReuse: true })
  const steps: StepItem[][] = []
  let now = 0
  const inner = made.step.bind(made)
  return {
    model: Object.assign(made, {
      onGpu,
      step: (items: readonly StepItem[]) => {
        steps.push(items.map((item) => ({ ...item })))
        now += ms
        return inner(items)
      },
    }),
    steps,
    mono: () => now,
  }
}
const quiet = { signal: new AbortController().signal, onProgress: () => undefined }

describe('the plan', () => {
  it('on a GPU: the batch, each number of streams, each size of tile and of vector, a grammar', () => {
    expect(plan({ slots: 3, contextTokens: 4_096, batchTokens: 512, onGpu: true, prefixReuse: true })).toBe(
      'p512 d1 d2 d3 p128 p48 p24 p8 p7 p6 p5 p4 p3 p2 grammar',
    )
  })
  it('fits a short context, each size once', () => {
    expect(plan({ slots: 1, contextTokens: 33, batchTokens: 512, onGpu: true, prefixReuse: true })).toBe(
      'p32 d1 p24 p8 p7 p6 p5 p4 p3 p2 grammar',
    )
  })
  it('without prefix reuse no short ends of prompts', () => {
    expect(plan({ slots: 2, contextTokens: 4_096, batchTokens: 512, onGpu: true, prefixReuse: false })).toBe(
      'p512 d1 d2 p128 p48 p24 grammar',
    )
  })
  it('on the processor: one short prompt, each number of streams, a grammar', () => {
    expect(plan({ slots: 2, contextTokens: 4_096, batchTokens: 512, onGpu: false, prefixReuse: true })).toBe(
      'p16 d1 d2 grammar',
    )
  })
})

describe('a warm-up', () => {
  it('runs its plan on the model and leaves every slot empty', async () => {
    const { model: one, steps, mono } = model()
    const told: string[] = []
    await warmUp(one, { ...quiet, mono, onProgress: (done, of) => told.push(`${done}/${of}`) })
    const shapes = steps.map((items) => items.map(({ tokens }) => tokens.length).join('+'))
    expect(shapes.slice(0, 3)).toEqual(['63', '1', '1+1'])
    expect(told[0]).toMatch(/^0\//)
    expect(told).toHaveLength(
      warmUpPlan({ slots: 2, contextTokens: 64, batchTokens: 512, onGpu: true, prefixReuse: true }).length,
    )
    // Nothing of it stays: a position beyond the context, or a slot that is not empty, would fail a job.
    for (const items of steps)
      for (const { position, tokens } of items) expect(position + tokens.length).toBeLessThanOrEqual(64)
    expect(await Promise.all([one.keep(0, 64), one.keep(1, 64)])).toEqual([0, 0])
  })

  it('ends on the processor after its time, with the weights in memory', async () => {
    const slow = model({ onGpu: false, slots: 4, ms: 10_000 })
    await warmUp(slow.model, { ...quiet, mono: slow.mono })
    expect(slow.steps).toHaveLength(1)
    const quick = model({ onGpu: false, slots: 4, ms: 1 })
    await warmUp(quick.model, { ...quiet, mono: quick.mono })
    expect(quick.steps).toHaveLength(6)
  })

  it('on a GPU fails after five minutes, and says how far it was', async () => {
    const { model: one, mono } = model({ ms: 100_000 })
    await expect(warmUp(one, { ...quiet, mono })).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: expect.stringMatching(/longer than 300 s \(4 of \d+ steps\)/),
    })
  })

  it('says that it failed and why; memory that ran out is called that', async () => {
    const { model: one, mono } = model()
    one.step = () => Promise.reject(fail('engine.stepFailed', { code: -3, log: 'device lost' }))
    await expect(warmUp(one, { ...quiet, mono })).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: expect.stringMatching(/its warm-up failed.*device lost/),
    })
    one.step = () => Promise.reject(fail('engine.stepFailed', { code: -2, log: 'Device memory allocation failed' }))
    await expect(warmUp(one, { ...quiet, mono })).rejects.toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY' })
  })

  it('ends between two steps when it is aborted', async () => {
    const { model: one, steps, mono } = model()
    const ended = new AbortController()
    const onProgress = (done: number): void => {
      if (done === 2) ended.abort(fail('engine.warmUpEnded'))
    }
    await expect(warmUp(one, { mono, signal: ended.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(steps).toHaveLength(2)
  })

  it('takes no grammar amiss that the model cannot have', async () => {
    const { model: one, steps, mono } = model({ onGpu: false })
    const inner = one.sampler.bind(one)
    one.sampler = (options?: SamplerOptions) =>
      options?.grammar === null ? inner() : Promise.reject(fail('grammar.unusable', { reason: 'no' }))
    await warmUp(one, { ...quiet, mono })
    expect(steps).toHaveLength(3)
  })
})
