import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { gpuSource, parsePowerDraw, raplSource } from '#core/power/power-sources.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stoker-rapl-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const counter = (name: string, microjoules: number | string): void => {
  mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, name, 'energy_uj'), `${microjoules}\n`)
  writeFileSync(join(root, name, 'max_energy_range_uj'), '1000000000\n')
}

describe('nvidia-smi', () => {
  it.each([
    ['GPU-1a, 38.42\n', { 'GPU-1a': 38.42 }],
    ['GPU-1a, 120.00\nGPU-2b, 80.5\n', { 'GPU-1a': 120, 'GPU-2b': 80.5 }],
    ['GPU-1a, [N/A]\nGPU-2b, 60\n', { 'GPU-2b': 60 }],
    ['GPU-1a, [N/A]\n', {}],
    ['', {}],
    ['GPU-1a, -3\nGPU-2b, 99999999\n', {}],
    ['No devices were found\n', {}],
  ])('%j is %j in watts', (output, watts) =>
    expect(Object.fromEntries(parsePowerDraw(output).map((one) => [one.gpu, one.watts]))).toEqual(watts),
  )

  it('gives the sum of the GPUs, and each of them by itself', async () => {
    const answers = ['GPU-1a, 120.5\nGPU-2b, 80\n', '']
    const source = gpuSource(() => Promise.resolve(answers.shift() ?? ''))
    expect(await source.read(0)).toBe(200.5)
    expect(source.parts?.()).toEqual([
      { gpu: 'GPU-1a', watts: 120.5 },
      { gpu: 'GPU-2b', watts: 80 },
    ])
    expect(await source.read(1)).toBeNull()
    expect(source.parts?.()).toEqual([])
  })

  it('is started again only after an hour when it failed', async () => {
    let asked = 0
    const source = gpuSource(() => {
      asked += 1
      return asked === 1 ? Promise.reject(new Error('ENOENT')) : Promise.resolve('GPU-1a, 50\n')
    })
    expect(await source.read(0)).toBeNull()
    expect(await source.read(3_599_999)).toBeNull()
    expect(asked).toBe(1)
    expect(await source.read(3_600_000)).toBe(50)
    expect(await source.read(3_600_001)).toBe(50)
  })
})

describe('RAPL', () => {
  it('is the difference of two readings over all packages, deps not counted twice', async () => {
    counter('intel-rapl:0', 1_000_000)
    counter('intel-rapl:1', 5_000_000)
    counter('intel-rapl:0:0', 900_000)
    const source = raplSource(root)
    expect(await source.read(0)).toBeNull()
    counter('intel-rapl:0', 51_000_000)
    counter('intel-rapl:1', 105_000_000)
    expect(await source.read(5_000)).toBe(30)
  })

  it('survives a counter that starts over', async () => {
    counter('intel-rapl:0', 999_000_000)
    const source = raplSource(root)
    await source.read(0)
    counter('intel-rapl:0', 9_000_000)
    expect(await source.read(1_000)).toBe(10)
  })

  it('says nothing where it is absent, unreadable or nonsense', async () => {
    expect(await raplSource(join(root, 'none')).read(0)).toBeNull()
    counter('intel-rapl:0', 'garbage')
    expect(await raplSource(root).read(0)).toBeNull()
  })
})
