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
    ['38.42\n', 38.42],
    ['120.00\n80.5\n', 200.5],
    ['[N/A]\n60\n', 60],
    ['[N/A]\n', null],
    ['', null],
    ['-3\n99999999\n', null],
  ])('%j is %s W', (output, watts) => expect(parsePowerDraw(output)).toBe(watts))

  it('is started again only after an hour when it failed', async () => {
    let asked = 0
    const source = gpuSource(() => {
      asked += 1
      return asked === 1 ? Promise.reject(new Error('ENOENT')) : Promise.resolve('50\n')
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
