import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { buildIsStale, buildProblem } from '#cli/start/renderer-build.ts'
import { displayProblem } from '#cli/start/electron-binary.ts'
import { tempDir } from '#test/support/temp-dir.ts'

function checkout(): { root: string; touch: (path: string, second: number) => void } {
  const root = tempDir()
  for (const folder of ['src-renderer/features/home', 'src-main/core', 'out/renderer'])
    mkdirSync(join(root, folder), { recursive: true })
  const touch = (path: string, second: number): void => {
    writeFileSync(join(root, path), 'x', { flag: 'a' })
    utimesSync(join(root, path), second, second)
  }
  for (const path of [
    'src-renderer/features/home/home.tsx',
    'src-main/core/core.ts',
    'electron.vite.config.ts',
    'renderer.config.ts',
    'package.json',
  ])
    touch(path, 100)
  return { root, touch }
}

describe('npm start', () => {
  it('builds when nothing is built', () => {
    expect(buildIsStale(checkout().root)).toBe(true)
  })

  it('does not build again what is newer than every source', () => {
    const { root, touch } = checkout()
    touch('out/renderer/index.html', 200)
    expect(buildIsStale(root)).toBe(false)
  })

  it.each([
    'src-renderer/features/home/home.tsx',
    'src-main/core/core.ts',
    'electron.vite.config.ts',
    'renderer.config.ts',
    'package.json',
  ])('builds when %s is newer than the build', (path) => {
    const { root, touch } = checkout()
    touch('out/renderer/index.html', 200)
    touch(path, 300)
    expect(buildIsStale(root)).toBe(true)
  })

  it('says what to install where npm left the build tools out, and builds where they are', () => {
    const { root } = checkout()
    expect(buildProblem(root)).toMatch(/npm install --include=dev/)
    mkdirSync(join(root, 'node_modules/electron-vite'), { recursive: true })
    expect(buildProblem(root)).toBeNull()
  })

  it('knows a Linux machine without a display, and asks no other system', () => {
    expect([
      displayProblem({}, 'linux') !== null,
      displayProblem({ DISPLAY: ':0' }, 'linux'),
      displayProblem({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux'),
      displayProblem({}, 'darwin'),
      displayProblem({}, 'win32'),
    ]).toEqual([true, null, null, null, null])
  })
})
