/** Who of the waiting goes next, exactly at each boundary: every fourth admission, twenty seconds, near a deadline. */
import { describe, expect, it } from 'vitest'

import type { EngineJob } from '#engine/host/scheduler/engine-job.ts'
import { createJobOrder, type JobOrder } from '#engine/host/scheduler/job-order.ts'
import { createSequence, type Arrival, type Sequence } from '#engine/host/scheduler/sequence.ts'
import { createSpeedMeter, type SpeedMeter } from '#engine/host/scheduler/speed-meter.ts'

const AGED_MS = 20_000
let arrivals = 0
const waits = (options: Partial<Arrival> & { promptTokens?: number } = {}): Sequence => {
  const { promptTokens = 20, ...arrival } = options
  const job = {
    id: 'job',
    prompt: Array.from({ length: promptTokens }, () => 1),
    maxTokens: 10,
    sampler: { dispose: () => undefined },
  } as unknown as EngineJob
  return createSequence({ job, priority: 'job', arrival: (arrivals += 1), arrivedAt: 0, deadlineAt: null, ...arrival })
}
const created = (speed: SpeedMeter = createSpeedMeter(4)): JobOrder => createJobOrder(speed, () => 1)
/** An exam call that came first, and own use that came last. */
const oldest = waits({ priority: 'exam' })
const best = waits({ priority: 'own' })
const whoGoes = (order: JobOrder, now: number, times: number): string[] =>
  Array.from({ length: times }, () => (order.next([oldest, best], now) === oldest ? 'oldest' : 'best'))

describe('every fourth admission', () => {
  it('goes to the job that has waited longest, and no other', () => {
    expect(whoGoes(created(), AGED_MS, 9)).toEqual([
      'best',
      'best',
      'best',
      'oldest',
      'best',
      'best',
      'best',
      'oldest',
      'best',
    ])
  })

  it('but not before it has waited twenty seconds', () => {
    expect(whoGoes(created(), AGED_MS - 1, 8)).toEqual(Array.from({ length: 8 }, () => 'best'))
  })

  it('which counts from its arrival', () => {
    const order = created()
    const young = [waits({ priority: 'exam', arrivedAt: 15_000 }), waits({ priority: 'own', arrivedAt: 15_001 })]
    const goes = Array.from({ length: 8 }, () => order.next(young, 30_000))
    expect(goes.every((sequence) => sequence === young[1])).toBe(true)
  })

  it('is counted in admissions: a look at an empty queue is none', () => {
    const order = created()
    expect(order.next([], AGED_MS)).toBeNull()
    expect(whoGoes(order, AGED_MS, 4)).toEqual(['best', 'best', 'best', 'oldest'])
  })

  it('goes to the earliest arrival, wherever it stands in the queue', () => {
    const [first, second, third] = [
      waits({ priority: 'exam' }),
      waits({ priority: 'exam' }),
      waits({ priority: 'own' }),
    ]
    const order = created()
    const queue = [second, third, first]
    for (let n = 0; n < 3; n += 1) expect(order.next(queue, AGED_MS)).toBe(third)
    expect(order.next(queue, AGED_MS)).toBe(first)
  })
})

describe('the class of a job', () => {
  it('is own use, then near its deadline, then any job, then an exam call', () => {
    const order = created()
    const near = waits({ deadlineAt: 1_000, arrivedAt: 0 })
    expect(
      [waits({ priority: 'own' }), near, waits(), waits({ priority: 'exam' })].map((sequence) =>
        order.rank(sequence, 900),
      ),
    ).toEqual([0, 1, 2, 3])
  })

  it.each([
    [800, 2],
    [801, 1],
    [999, 1],
    [1_000, 2],
    [1_001, 2],
  ])(
    'with nothing measured: of 1,000 ms, %i ms are gone, so it is %i (near in the last fifth, and not once it is missed)',
    (now, rank) => {
      expect(created().rank(waits({ deadlineAt: 1_000 }), now)).toBe(rank)
    },
  )

  it.each([
    [1_000 - 241, 2],
    [1_000 - 240, 2],
    [1_000 - 239, 1],
    [999, 1],
    [1_000, 2],
  ])(
    'with a speed measured: 120 ms of work left, at %i of 1,000 ms it is %i (near below twice the work)',
    (now, rank) => {
      const speed = createSpeedMeter(4)
      speed.decoded(1, 10)
      speed.prefilled(100, 0, 100)
      // 20 prompt tokens at 1 ms and 10 answer tokens at 10 ms.
      expect(created(speed).rank(waits({ deadlineAt: 1_000 }), now)).toBe(rank)
    },
  )

  it.each([
    [1_799, 2],
    [1_801, 1],
  ])('that came at 1,000 of 2,000 ms has a fifth of its own time left at %i: %i', (now, rank) => {
    expect(created().rank(waits({ deadlineAt: 2_000, arrivedAt: 1_000 }), now)).toBe(rank)
  })

  it.each([
    ['prompts alone', 1, null],
    ['answers alone', null, 1],
  ])('with %s measured goes by its share of time, as with nothing measured', (_, perPrompt, perToken) => {
    const half = { msPerPromptToken: (): number | null => perPrompt, decodeMs: (): number | null => perToken }
    const order = created(half as unknown as SpeedMeter)
    // 100,000 prompt tokens at 1 ms would be near its deadline at any time.
    const huge = waits({ deadlineAt: 1_000, promptTokens: 100_000 })
    const long = waits({ deadlineAt: 1_000, promptTokens: 0 })
    expect([order.rank(huge, 700), order.rank(long, 990), order.rank(huge, 900)]).toEqual([2, 1, 1])
  })

  it.each([
    ['three streams: 20 × 4 + 10 × 30 ms of work left', 3, 240, 2],
    ['three streams: 20 × 4 + 10 × 30 ms of work left', 3, 241, 1],
    ['none, which counts as one: 20 × 4 + 10 × 10 ms', 0, 640, 2],
    ['none, which counts as one: 20 × 4 + 10 × 10 ms', 0, 641, 1],
  ])('beside %s (%i), at %i of 1,000 ms it is %i', (_, streams, now, rank) => {
    const speed = { msPerPromptToken: () => 4, decodeMs: (count: number) => 10 * count } as unknown as SpeedMeter
    expect(createJobOrder(speed, () => streams).rank(waits({ deadlineAt: 1_000 }), now)).toBe(rank)
  })

  it('within it the earliest deadline goes first, one that is missed or missing last, then the earliest arrival', () => {
    const [none, missed, sooner, later, other] = [
      waits(),
      waits({ deadlineAt: 50 }),
      waits({ deadlineAt: 60_000 }),
      waits({ deadlineAt: 90_000 }),
      waits(),
    ]
    const order = created()
    expect([other, later, missed, sooner, none].toSorted((a, b) => order.compare(a, b, 50))).toEqual([
      sooner,
      later,
      none,
      missed,
      other,
    ])
  })
})
