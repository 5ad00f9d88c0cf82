/** The most prompt tokens of a step beside streams, on a machine so fast that time is no bound. */
import { expect, it } from 'vitest'

import { prefillBudget } from '#engine/host/scheduler/prefill-budget.ts'
import type { SpeedMeter } from '#engine/host/scheduler/speed-meter.ts'

it.each([
  ['128 a prompt', 2, 256],
  ['as much as the batch holds', 8, 512],
])('is %s beside a stream: %i prompts, %i tokens', (_, prefilling, tokens) => {
  const speed = { promptTokensIn: () => 1_000_000, decodeMs: () => 1 } as unknown as SpeedMeter
  expect(prefillBudget({ decoding: 1, prefilling, speed, batchTokens: 512, adaptive: true })).toBe(tokens)
})
