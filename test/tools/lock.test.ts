/**
 * What package-lock.json must say for `npm install` to work on a machine with nothing but npm (docs/decisions/0012);
 * `npx node tools/complete-lock.ts` makes it so.
 */
import { existsSync, readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { CUDA_PACKAGES, CUDA_VERSION } from '#engine/cuda.ts'

interface Entry {
  version?: string
  resolved?: string
  integrity?: string
  engines?: { node?: string }
  hasInstallScript?: boolean
  gypfile?: boolean
  bin?: Record<string, string>
  libc?: string[]
  os?: string[]
  cpu?: string[]
  optionalDependencies?: Record<string, string>
}
const read = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T
const { packages } = read<{ packages: Record<string, Entry> }>('package-lock.json')
const entries = Object.entries(packages).filter(([at]) => at !== '')
const where = (holds: (entry: Entry, at: string) => boolean): string[] =>
  entries.filter(([at, entry]) => holds(entry, at)).map(([at]) => at)

describe('package-lock.json', () => {
  it('names no registry', () => {
    expect(where(({ resolved }) => resolved !== undefined)).toEqual([])
  })

  it('has no package that npm would run a script of, or compile', () => {
    expect(where(({ hasInstallScript }) => hasInstallScript === true)).toEqual([])
    expect(where(({ gypfile }, at) => existsSync(`${at}/binding.gyp`) && gypfile !== false)).toEqual([])
    expect(existsSync('node_modules/better-sqlite3/binding.gyp')).toBe(true)
  })

  it('asks nothing of the Node that npm runs on', () => {
    expect(where(({ engines }) => engines?.node !== undefined)).toEqual([])
    expect(read<{ engines: { node: string } }>('package.json').engines.node).toBe('>=20')
  })

  it('brings Node for six platforms in one version, none with a command that npm would link', () => {
    const own = Object.keys(packages['']!.optionalDependencies!).map((name) => packages[`node_modules/${name}`])
    expect(own.map((entry) => [entry?.version, entry?.bin, entry?.os?.length, entry?.cpu?.length])).toEqual(
      own.map(() => ['24.21.0', undefined, 1, 1]),
    )
    expect(own.filter((entry) => entry?.os?.[0] === 'linux').map((entry) => entry?.libc)).toEqual([
      ['glibc'],
      ['glibc'],
    ])
    expect(where(({ bin }) => bin?.['node'] !== undefined)).toEqual([])
  })

  it('has every optional package of every platform', () => {
    const missing = Object.entries(packages).flatMap(([at, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`node_modules/${name}`] === undefined && packages[`${at}/node_modules/${name}`] === undefined,
      ),
    )
    expect(missing).toEqual([])
  })

  it('has the hash of every package but those listed, all of them builds for other platforms', () => {
    const listed = read<{ packages: string[] }>('test/tools/without-integrity.json').packages
    expect(where(({ integrity }) => integrity === undefined).map((at) => at.replace('node_modules/', ''))).toEqual(
      listed,
    )
    const native = where(({ integrity, os, cpu }) => integrity === undefined && os?.length === 1 && cpu?.length === 1)
    expect(native).toHaveLength(listed.length)
    // What runs where this was built is checked, and every hash is of the strong kind.
    expect(
      where(
        ({ integrity, os, cpu, libc }) =>
          integrity === undefined && os?.[0] === 'linux' && cpu?.[0] === 'x64' && libc?.[0] !== 'musl',
      ),
    ).toEqual([])
    expect(where(({ integrity }) => integrity !== undefined && !/^sha512-[\w+/]{86}==$/.test(integrity))).toEqual([])
  })

  it('says which C library a build is for, which npm 9 and 10 leave out when they write the file', () => {
    expect(where(({ libc }, at) => /-(gnu|musl)$/.test(at) && libc?.length !== 1)).toEqual([])
    expect(where((_, at) => at.endsWith('-musl')).length).toBeGreaterThan(5)
  })

  it('leaves the CUDA builds with known hashes to be fetched, in the engine’s version', () => {
    expect(where(({ integrity }, at) => /-cuda(-ext)?$/.test(at) && integrity !== undefined)).toEqual([])
    expect(CUDA_VERSION).toBe(packages['node_modules/node-llama-cpp']!.version)
    expect(CUDA_PACKAGES.map(({ name, integrity }) => [name, /^sha512-[\w+/]{86}==$/.test(integrity)])).toEqual([
      ['@node-llama-cpp/linux-x64-cuda', true],
      ['@node-llama-cpp/linux-x64-cuda-ext', true],
    ])
  })
})
