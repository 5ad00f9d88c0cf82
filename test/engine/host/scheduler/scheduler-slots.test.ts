import { describe, expect, it } from 'vitest'

import { FakeStepModel } from './fake-step-model.ts'
import { start } from './scheduler-run.ts'

const slotsOf = (model: FakeStepModel, step: number): number[] => model.steps[step]?.map((item) => item.slot) ?? []
const moves = (model: FakeStepModel): string[] => model.calls.filter((call) => call.startsWith('copy'))

describe('slots', () => {
  it('fills the lowest free slots and keeps the items of every step in order', async () => {
    const model = new FakeStepModel({ slots: 4 })
    model.answer = (prompt) => 'y'.repeat(Number(prompt))
    const { submit } = start(model)
    const later: Promise<unknown>[] = []
    model.beforeStep = () => {
      if (model.steps.length === 10) later.push(submit('d', '30'), submit('e', '30'))
    }
    await Promise.all([submit('a', '5'), submit('b', '40'), submit('c', '40')])
    await Promise.all(later)
    expect(slotsOf(model, 1)).toEqual([0, 1, 2])
    expect(slotsOf(model, 7)).toEqual([1, 2])
    expect(slotsOf(model, 12)).toEqual([0, 1, 2, 3])
    for (const items of model.steps)
      expect(items.map((item) => item.slot)).toEqual(items.map((item) => item.slot).toSorted((a, b) => a - b))
    expect(moves(model)).toEqual([])
  })

  it('moves the highest job into a gap that lasts, and its text goes on', async () => {
    const model = new FakeStepModel({ slots: 4 })
    model.answer = (prompt) => prompt.slice(1).padEnd(Number(prompt.slice(0, 1)) * 10, prompt.slice(1))
    const { submit, text } = start(model)
    await Promise.all([submit('a', '8aA'), submit('b', '1bB'), submit('c', '1cC'), submit('d', '8dD')])
    expect(moves(model)).toEqual([expect.stringMatching(/^copy 3 1 \d+$/)])
    expect(slotsOf(model, 15)).toEqual([0, 3])
    expect(slotsOf(model, 40)).toEqual([0, 1])
    expect(text('d')).toBe('dD'.padEnd(80, 'dD'))
    expect(text('a')).toBe('aA'.padEnd(80, 'aA'))
  })

  it('leaves the gap where the job is nearly done, where somebody waits for it, or where the loop cannot copy', async () => {
    const run = async (
      answers: readonly number[],
      { copied = (count: number) => count, slots = 3 } = {},
    ): Promise<FakeStepModel> => {
      const model = new FakeStepModel({ slots })
      model.copied = copied
      model.answer = (prompt) => 'y'.repeat(Number(prompt))
      const { submit } = start(model)
      await Promise.all(answers.map((answer, job) => submit(`j${job}`, String(answer), { maxTokens: answer })))
      return model
    }
    expect(moves(await run([40, 5, 30]))).toEqual([])
    // The loop says that nothing was copied: the job stays where it is, and after three tries nobody asks again.
    const stuck = await run([90, 5, 90], { copied: () => 0 })
    expect(moves(stuck).length).toBe(3)
    expect(slotsOf(stuck, 80)).toEqual([0, 2])
    // A fourth job takes the gap.
    expect(moves(await run([90, 5, 90, 90]))).toEqual([])
  })

  it('shares one context over jobs of different length without mixing them up', async () => {
    const model = new FakeStepModel({ slots: 3, prefixReuse: true })
    const { submit, text } = start(model)
    const words = Array.from(
      { length: 30 },
      (_, job) => `${'abc'.repeat(job % 7)} job ${job} ${'xyz'.repeat((job * 5) % 11)}`,
    )
    await Promise.all(words.map((word, job) => submit(`j${job}`, word)))
    expect(words.map((_, job) => text(`j${job}`))).toEqual(words)
  })
})
