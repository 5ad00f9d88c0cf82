/** Who of the prompts gets how much of a step, to the token; bounds over many cases are in step-plan.test.ts. */
import { describe, expect, it } from 'vitest'

import type { EnginePriority } from '#core/engine/engine.port.ts'
import type { EngineJob } from '#engine/host/scheduler/engine-job.ts'
import { createJobOrder } from '#engine/host/scheduler/job-order.ts'
import { createSequence, type Sequence } from '#engine/host/scheduler/sequence.ts'
import { planStep, type StepPlan } from '#engine/host/scheduler/step-plan.ts'
import { createSpeedMeter } from '#engine/host/scheduler/speed-meter.ts'

const order = createJobOrder(createSpeedMeter(8), () => 1)

interface Reader {
  /** Prompt tokens; some of them are read already. */
  prompt: number
  kvTokens?: number
  arrival?: number
  priority?: EnginePriority
  leader?: Sequence
}
/** A stream that decodes. */
const STREAM = 'stream'

/** Prompts count their tokens from 1, so that a piece shows where it was cut. */
function sequenceIn(
  slot: number,
  { prompt, kvTokens = 0, arrival = slot, priority = 'job', leader }: Reader,
  nextToken: number | null = null,
): Sequence {
  const job = {
    id: `${slot}`,
    prompt: Array.from({ length: prompt }, (_, at) => at + 1),
    maxTokens: 10,
    sampler: { dispose: () => undefined },
  } as unknown as EngineJob
  return Object.assign(createSequence({ job, priority, arrival, arrivedAt: 0, deadlineAt: null }), {
    slot,
    kvTokens,
    nextToken,
    leader: leader ?? null,
  })
}
const inSlots = (readers: readonly (Reader | typeof STREAM | null)[]): (Sequence | null)[] =>
  readers.map((reader, slot) =>
    reader === null
      ? null
      : reader === STREAM
        ? sequenceIn(slot, { prompt: 5, kvTokens: 7 }, 99)
        : sequenceIn(slot, reader),
  )

interface Options {
  budget: number
  batchTokens?: number
  adaptive?: boolean
}
const plan = (
  bySlot: readonly (Sequence | null)[],
  { budget, batchTokens = 512, adaptive = true }: Options,
): StepPlan => planStep(bySlot, { order, now: 0, turn: 0, adaptive, batchTokens, budget: () => budget })

/** Prompt tokens that each slot gets. */
function shares(readers: readonly (Reader | typeof STREAM | null)[], options: Options): number[] {
  const bySlot = inSlots(readers)
  plan(bySlot, options)
  return bySlot.map((sequence) => sequence?.prefillTokens ?? 0)
}

describe('the prompt tokens of a step', () => {
  it.each<[string, (Reader | typeof STREAM)[], Options, number[]]>([
    ['go to the prompt that is soonest read', [{ prompt: 300 }, { prompt: 200 }], { budget: 100 }, [0, 100]],
    [
      'of equal ones, to the one that came first',
      [
        { prompt: 200, arrival: 5 },
        { prompt: 200, arrival: 2 },
      ],
      { budget: 100 },
      [0, 100],
    ],
    [
      'by what is left of it, not by its length',
      [{ prompt: 900, kvTokens: 750 }, { prompt: 200 }],
      { budget: 100 },
      [100, 0],
    ],
    [
      'to jobs before exam calls, however short',
      [{ prompt: 150, priority: 'exam' }, { prompt: 900 }],
      { budget: 100 },
      [0, 100],
    ],
    ['to own use before jobs', [{ prompt: 150 }, { prompt: 900, priority: 'own' }], { budget: 100 }, [0, 100]],
    [
      'in as many equal pieces as the budget needs, and no more',
      [{ prompt: 400 }, { prompt: 400 }, { prompt: 400 }],
      { budget: 200 },
      [100, 100, 0],
    ],
    [
      'in one piece each where it suffices for all',
      [{ prompt: 400 }, { prompt: 400 }, { prompt: 400 }],
      { budget: 300 },
      [100, 100, 100],
    ],
    ['at most 128 each', [{ prompt: 400 }, { prompt: 400 }], { budget: 500 }, [128, 128]],
    ['rounded up, the rest to the last', [{ prompt: 400 }, { prompt: 400 }], { budget: 129 }, [65, 64]],
  ])('%s', (_, readers, options, expected) => {
    expect(shares(readers, options)).toEqual(expected)
  })

  it.each<[string, (Reader | typeof STREAM)[], Options, number[]]>([
    ['up to half as much again', [STREAM, { prompt: 120 }], { budget: 80 }, [0, 120]],
    ['but not more', [STREAM, { prompt: 121 }], { budget: 80 }, [0, 80]],
    ['up to 128', [STREAM, { prompt: 128 }], { budget: 100 }, [0, 128]],
    ['but not beyond', [STREAM, { prompt: 129 }], { budget: 100 }, [0, 100]],
    [
      'as far as the batch has room beside the others',
      [{ prompt: 60 }, { prompt: 60 }],
      { budget: 100, batchTokens: 120 },
      [60, 60],
    ],
    ['and not beyond its room', [{ prompt: 60 }, { prompt: 60 }], { budget: 100, batchTokens: 119 }, [60, 40]],
    ['never where runs must repeat themselves', [STREAM, { prompt: 120 }], { budget: 80, adaptive: false }, [0, 80]],
    ['which reads a shorter prompt whole', [STREAM, { prompt: 30 }], { budget: 80, adaptive: false }, [0, 30]],
  ])('finish a prompt that is near its end: %s', (_, readers, options, expected) => {
    expect(shares(readers, options)).toEqual(expected)
  })

  it.each<[string, Reader[], number, number[]]>([
    ['a rest of seven is not worth its run', [{ prompt: 60 }, { prompt: 100 }], 67, [60, 0]],
    ['one of eight is', [{ prompt: 60 }, { prompt: 100 }], 68, [60, 8]],
    ['seven that end their prompt are', [{ prompt: 7 }, { prompt: 6 }], 20, [7, 6]],
    ['the first always gets what there is', [{ prompt: 60 }, { prompt: 100 }], 5, [5, 0]],
  ])('come in pieces worth their run: %s', (_, readers, budget, expected) => {
    expect(shares(readers, { budget, adaptive: false })).toEqual(expected)
  })

  it.each<[string, (Reader | typeof STREAM)[], Options, number[]]>([
    ['alone it takes the whole batch', [{ prompt: 700 }], { budget: 512 }, [512]],
    ['beside a stream 128', [{ prompt: 700 }, STREAM], { budget: 512 }, [128, 0]],
    ['beside another prompt 128', [{ prompt: 700 }, { prompt: 700 }], { budget: 512 }, [128, 128]],
    ['alone where runs must repeat themselves 128', [{ prompt: 700 }], { budget: 512, adaptive: false }, [128]],
  ])('of a long prompt: %s', (_, readers, options, expected) => {
    expect(shares(readers, options)).toEqual(expected)
  })
})

describe('a step', () => {
  it('holds a token of every stream and the pieces where they belong, in the order of the slots, each with its job', () => {
    const bySlot = inSlots([{ prompt: 40, kvTokens: 20 }, null, STREAM, { prompt: 300, kvTokens: 10 }])
    const { items, sequences, decodes, promptTokens } = plan(bySlot, { budget: 60 })
    const [first, , stream, long] = bySlot as [Sequence, null, Sequence, Sequence]
    expect(items).toEqual([
      { slot: 0, position: 20, tokens: first.job.prompt.slice(20), sampler: first.job.sampler },
      { slot: 2, position: 7, tokens: [99], sampler: stream.job.sampler },
      // Not its last piece: no token is chosen after it.
      { slot: 3, position: 10, tokens: long.job.prompt.slice(10, 50), sampler: null },
    ])
    expect(sequences).toEqual([first, stream, long])
    expect([decodes, promptTokens]).toEqual([1, 60])
  })

  it('asks for a budget for its streams and prompts, and for none where no prompt is read', () => {
    const asked: [number, number][] = []
    const budget = (decoding: number, reading: number): number => {
      asked.push([decoding, reading])
      return 100
    }
    const options = { order, now: 0, turn: 0, adaptive: true, batchTokens: 512, budget }
    planStep(inSlots([STREAM, { prompt: 50 }, { prompt: 50 }]), options)
    planStep(inSlots([STREAM, null]), options)
    expect(asked).toEqual([[1, 2]])
  })

  it('leaves out a job that waits for another’s prompt, and one that gets no share now whatever it got before', () => {
    const bySlot = inSlots([{ prompt: 50 }, { prompt: 60 }, { prompt: 900 }])
    bySlot[1]!.leader = bySlot[0]!
    for (const sequence of bySlot) sequence!.prefillTokens = 77
    const { items, promptTokens } = plan(bySlot, { budget: 50 })
    expect(items.map(({ slot, tokens }) => [slot, tokens.length])).toEqual([[0, 50]])
    expect([promptTokens, bySlot.map((sequence) => sequence!.prefillTokens)]).toEqual([50, [50, 0, 0]])
  })
})
