import { setTimeout as sleep } from 'node:timers/promises'

import { expect, it } from 'vitest'

import { until } from './until.ts'

it('waits by time, however many turns of the loop that takes, and looks once more at the end', async () => {
  const begins = performance.now()
  await until('a tenth of a second', () => performance.now() - begins > 100)
  let looks = 0
  // The first look takes longer than there is time for.
  const slow = async (): Promise<boolean> => {
    await sleep(looks === 0 ? 20 : 0)
    return (looks += 1) > 1
  }
  await until('the second look', slow, 10)
  expect(looks).toBe(2)
})

it('names what it waited for in vain', async () => {
  await expect(until('a miracle', () => false, 10)).rejects.toThrow('waited 0.01 s in vain for a miracle')
  await expect(until('an answer', () => Promise.reject(new Error('no server')))).rejects.toThrow('no server')
})
