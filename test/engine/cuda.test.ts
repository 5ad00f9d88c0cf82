import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { cudaUsable, projectRoot, type Surroundings } from '#engine/cuda.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const DRIVER = '/proc/driver/nvidia/version'

/** A machine as a list of files. */
const machine = (files: readonly string[], changes: Partial<Surroundings> = {}): Surroundings => ({
  platform: 'linux',
  arch: 'x64',
  env: {},
  exists: (path) => files.includes(path),
  names: (folder) => [
    ...new Set(
      files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1).split('/')[0]!),
    ),
  ],
  ...changes,
})

describe('a machine that can use CUDA', () => {
  it.each([
    ['a driver and CUDA 13 of the system', machine([DRIVER, '/usr/lib/x86_64-linux-gnu/libcublas.so.13'])],
    ['a driver and a toolkit', machine([DRIVER, '/usr/local/cuda-12.4/targets/x86_64-linux/lib/libcublas.so.12'])],
    [
      'a toolkit where CUDA_PATH says',
      machine([DRIVER, '/opt/cuda/targets/x86_64-linux/lib/libcublas.so.12'], { env: { CUDA_PATH: '/opt/cuda' } }),
    ],
    [
      'libraries where LD_LIBRARY_PATH says',
      machine([DRIVER, '/opt/lib/libcublas.so.12'], { env: { LD_LIBRARY_PATH: '/nothing:/opt/lib' } }),
    ],
    ['Windows’ Linux', machine(['/usr/lib/wsl/lib/libcuda.so.1', '/usr/lib64/libcublas.so.12'])],
  ])('%s', (_, surroundings) => {
    expect(cudaUsable(surroundings)).toBe(true)
  })

  it.each([
    ['no driver', machine(['/usr/lib/x86_64-linux-gnu/libcublas.so.13'])],
    ['a driver without CUDA’s libraries, as most have', machine([DRIVER])],
    ['a CUDA that the builds are not for', machine([DRIVER, '/usr/lib/x86_64-linux-gnu/libcublas.so.11'])],
    ['another processor', machine([DRIVER, '/usr/lib/libcublas.so.13'], { arch: 'arm64' })],
    ['another system', machine([DRIVER, '/usr/lib/libcublas.so.13'], { platform: 'win32' })],
  ])('not with %s', (_, surroundings) => {
    expect(cudaUsable(surroundings)).toBe(false)
  })
})

describe('the project’s folder', () => {
  it('is found from the sources and from a bundle, and nowhere without node-llama-cpp', () => {
    const root = tempDir()
    const [sources, bundle] = [join(root, 'src-main', 'engine'), join(root, 'out', 'main')]
    for (const folder of [sources, bundle]) mkdirSync(folder, { recursive: true })
    expect([projectRoot(sources), projectRoot(bundle)]).toEqual([null, null])
    mkdirSync(join(root, 'node_modules', 'node-llama-cpp'), { recursive: true })
    expect([projectRoot(sources), projectRoot(bundle)]).toEqual([root, root])
  })
})
