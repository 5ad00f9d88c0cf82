import { expect, it } from 'vitest'

import { sharesOf } from '#engine/inspector/inspect-each.ts'

it('slots and processes of one GPU add up to all, in the GPUs’ own numbers', () => {
  const gpus = [
    { index: 1, name: 'A' },
    { index: 2, name: 'B' },
  ]
  expect(sharesOf({ slots: 5, processes: 3 }, gpus)).toEqual([
    { gpu: 1, settings: { slots: 3, processes: 2 } },
    { gpu: 2, settings: { slots: 2, processes: 1 } },
  ])
  expect(sharesOf({ slots: 1, processes: 4 }, gpus)).toEqual([{ gpu: 1, settings: { slots: 1, processes: 1 } }])
})
