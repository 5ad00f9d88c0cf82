import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { apiToken, defaultDataDir, ensureDataDir } from '#server/data-dir.ts'
import { tempDir } from '#test/support/temp-dir.ts'

describe('data folder', () => {
  it.each([
    [{ STOKER_DATA: '/x/y' }, 'linux', '/x/y'],
    [{}, 'linux', '/home/a/.local/share/Stoker'],
    [{ XDG_DATA_HOME: '/data' }, 'linux', '/data/Stoker'],
    [{ XDG_DATA_HOME: 'relative' }, 'linux', '/home/a/.local/share/Stoker'],
    [{}, 'darwin', '/home/a/Library/Application Support/Stoker'],
    [{ APPDATA: '/home/a/roaming' }, 'win32', '/home/a/roaming/Stoker'],
  ] as const)('is found from %j on %s', (env, platform, dir) => {
    expect(defaultDataDir(env, platform, '/home/a')).toBe(dir)
  })

  it('is tightened when it was readable by others', () => {
    const dir = join(tempDir(), 'd')
    mkdirSync(dir)
    chmodSync(dir, 0o755)
    ensureDataDir(dir)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
  })

  it('makes one API token, 0600, and says how to get one where none is', () => {
    const dir = tempDir()
    expect(() => apiToken(dir)).toThrow(/stoker -- serve/)
    const token = apiToken(dir, () => 'a'.repeat(43))
    expect([apiToken(dir, () => 'other'), statSync(join(dir, 'api-token')).mode & 0o777]).toEqual([token, 0o600])
  })
})
