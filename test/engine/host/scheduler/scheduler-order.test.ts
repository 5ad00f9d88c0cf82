import { describe, expect, it } from 'vitest'

import { FakeStepModel } from './fake-step-model.ts'
import { likeAModel, promptTokens, start } from './scheduler-run.ts'

describe('the order of work', () => {
  /** A first job holds the one slot until the others are there. */
  async function ordered(jobs: readonly (readonly [string, object])[], { measured = true } = {}): Promise<string[]> {
    const model = new FakeStepModel()
    model.answer = (prompt) => prompt.slice(0, 2)
    const { submit, order } = start(model, { costMs: likeAModel })
    if (measured) await submit('measured', 'x'.repeat(20))
    const ends: Promise<unknown>[] = []
    const steps = model.steps.length
    model.beforeStep = () => {
      if (model.steps.length === steps + 1)
        for (const [job, options] of jobs) ends.push(submit(job, job.padEnd(20), { maxTokens: 10, ...options }))
    }
    await submit('first', 'y'.repeat(20))
    await Promise.all(ends)
    return order().filter((job) => job !== 'first' && job !== 'measured')
  }

  it('takes own use, then jobs near their deadline, then jobs, then exams', async () => {
    // A job of 20 prompt and 10 answer tokens takes 120 ms.
    expect(
      await ordered([
        ['exam', { priority: 'exam' }],
        ['job', {}],
        ['calm', { deadlineMs: 60_000 }],
        ['near', { deadlineMs: 200 }],
        ['own', { priority: 'own' }],
      ]),
    ).toEqual(['own', 'near', 'calm', 'job', 'exam'])
  })

  it('takes the earliest deadline of a class first, then who came first; a missed deadline hurries nobody', async () => {
    expect(
      await ordered([
        ['b', {}],
        ['missed', { deadlineMs: 1 }],
        ['later', { deadlineMs: 90_000 }],
        ['sooner', { deadlineMs: 60_000 }],
        ['c', {}],
      ]),
    ).toEqual(['sooner', 'later', 'b', 'missed', 'c'])
  })

  it('lets an exam with a deadline wait behind jobs', async () => {
    expect(
      await ordered([
        ['exam', { priority: 'exam', deadlineMs: 100 }],
        ['job', {}],
      ]),
    ).toEqual(['job', 'exam'])
  })

  it('does not let an exam starve behind a stream of other work', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'
    // 1 s a step.
    const { submit, order, clock } = start(model, { costMs: () => 1_000 })
    const others: Promise<unknown>[] = []
    let serial = 0
    model.beforeStep = () => {
      if (serial < 60) others.push(submit(`own${(serial += 1)}`, 'o', { priority: 'own' }), submit(`job${serial}`, 'j'))
    }
    const first = submit('own0', 'o', { priority: 'own' })
    await submit('exam', 'e', { priority: 'exam' })
    expect(order().length).toBeLessThan(25)
    expect(order().at(-2)).toMatch(/^own/)
    expect(clock.now).toBeGreaterThan(20_000)
    await Promise.all([first, ...others])
  })

  it('gives the prefill of a step to own use before the prompts of jobs', async () => {
    const model = new FakeStepModel({ slots: 3, prefixReuse: true })
    model.answer = () => 'y'.repeat(80)
    // Slow: a step has room for about one chunk.
    const { submit, order } = start(model, { costMs: (items) => 10 + 2 * promptTokens(items) })
    const ends: Promise<unknown>[] = []
    model.beforeStep = () => {
      if (model.steps.length === 4)
        ends.push(
          submit('job', 'j'.repeat(300), { maxTokens: 1 }),
          submit('own', 'o'.repeat(350), { maxTokens: 1, priority: 'own' }),
        )
    }
    await submit('stream', 's')
    await Promise.all(ends)
    expect(order()).toEqual(['own', 'job', 'stream'])
  })
})
