/**
 * What a GPU computes, against the processor: the likeliest token at fixed positions of what the processor answered, by
 * both loops.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { describe, expect, it } from 'vitest'

import { tempDir } from '../support/temp-dir.ts'
import { gpus, noGpu } from './gpu-machine.ts'

const CHILD = join(import.meta.dirname, 'loop-child.ts')
const AGREE = 0.98
const POSITIONS_LEAST = 350

interface Likeliest {
  device: string
  engine: string
  kind: 'native' | 'public'
  likeliest: (number | null)[]
}

async function evaluate(...args: string[]): Promise<Likeliest> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, ...args], { maxBuffer: 4 * 2 ** 20 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Likeliest
}
const share = (a: Likeliest, b: Likeliest): number =>
  a.likeliest.filter((token, at) => token !== null && token === b.likeliest[at]).length / a.likeliest.length

describe.skipIf(noGpu)('answers against the processor', () => {
  it('the same likeliest token at 98 % of the fixed positions or more', async ({ task }) => {
    const rows = join(tempDir(), 'rows.json')
    const processor = await evaluate('0', 'auto', rows)
    const gpu = await evaluate('1000', 'auto', rows)
    expect(processor.device).toMatch(/^CPU: /)
    expect(gpu.device).toBe(gpus.map(({ name }) => name).join(' + '))
    expect(gpu.likeliest.length).toBeGreaterThanOrEqual(POSITIONS_LEAST)
    expect(new Set(processor.likeliest).size, 'the positions are no single answer').toBeGreaterThan(20)
    expect(share(gpu, processor)).toBeGreaterThanOrEqual(AGREE)
    task.meta.seen = `${(100 * share(gpu, processor)).toFixed(1)} % of ${gpu.likeliest.length} positions`
  })

  it('the fallback loop answers there too, as the processor does', async ({ task }) => {
    const processor = await evaluate('0', 'public')
    const gpu = await evaluate('1000', 'public')
    expect(gpu).toMatchObject({ kind: 'public', engine: expect.stringContaining('(public API)') })
    expect(gpu.device).toBe(gpus.map(({ name }) => name).join(' + '))
    expect(gpu.likeliest).not.toContain(null)
    expect(share(gpu, processor)).toBeGreaterThanOrEqual(0.75)
    task.meta.seen = `${(100 * share(gpu, processor)).toFixed(0)} % of ${gpu.likeliest.length} tokens alike`
  })
})
