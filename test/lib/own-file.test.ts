/**
 * Catches: a key, token or address that is read or written through somebody's link, a folder of another user taken by
 * root (security case 13).
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { acquireLock, readOwner } from '#db/lock.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { ensureDataDirectory } from '#lib/data-directory.ts'
import { loadOrCreateSigningKey } from '#lib/ed25519.ts'
import { createLog } from '#lib/log.ts'
import { checkOurs } from '#lib/own-file.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'
import { apiToken } from '#server/data-dir.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const onWindows = process.platform === 'win32'
const isRoot = process.getuid?.() === 0
/** Nobody, on the systems that tests run on. */
const OTHER = 65_534

const codeOf = (work: () => unknown): string | null => {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof StokerError ? error.reason.code : String(error)
  }
}

describe('a file that must be ours', { skip: onWindows }, () => {
  it.each([
    ['a key', (path: string) => loadOrCreateSigningKey(path)],
    ['a token', (path: string) => readSecretFile(path)],
  ])('is refused as %s when it is a link, and what the link names is left alone', (_what, read) => {
    const dir = tempDir()
    const elsewhere = join(dir, 'elsewhere')
    writeFileSync(elsewhere, 'x', { mode: 0o644 })
    symlinkSync(elsewhere, join(dir, 'link'))
    expect(codeOf(() => read(join(dir, 'link')))).toBe('file.link')
    expect([readFileSync(elsewhere, 'utf8'), statSync(elsewhere).mode & 0o777]).toEqual(['x', 0o644])
  })

  it('is refused when it is a folder or a pipe, without waiting for a writer', () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'folder'))
    expect(spawnSync('mkfifo', [join(dir, 'pipe')]).status).toBe(0)
    for (const name of ['folder', 'pipe']) expect(codeOf(() => readSecretFile(join(dir, name)))).toBe('file.link')
  })

  it('is tightened, bounded, and null where there is none', () => {
    const path = join(tempDir(), 'api-token')
    expect(readSecretFile(path)).toBeNull()
    writeFileSync(path, 'stk_x\n', { mode: 0o644 })
    expect([readSecretFile(path), statSync(path).mode & 0o777]).toEqual(['stk_x\n', 0o600])
    truncateSync(path, 65_537)
    expect(codeOf(() => readSecretFile(path))).toBe('file.secretTooLarge')
  })

  it('replaces a link when it is written, and never writes through one', () => {
    const dir = tempDir()
    const victim = join(dir, 'victim')
    writeFileSync(victim, 'precious')
    for (const link of ['token', `token.${process.pid}.tmp`]) symlinkSync(victim, join(dir, link))
    writeSecretFile(join(dir, 'token'), 'secret')
    expect([
      readFileSync(victim, 'utf8'),
      lstatSync(join(dir, 'token')).isFile(),
      readFileSync(join(dir, 'token'), 'utf8'),
    ]).toEqual(['precious', true, 'secret'])
  })

  it('names no owner when owner.json is a link', () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'planted'), '{"pid":1,"url":"http://127.0.0.1:1"}')
    symlinkSync(join(dir, 'planted'), join(dir, 'owner.json'))
    expect(readOwner(join(dir, 'owner.json'))).toBeNull()
    acquireLock(join(dir, 'lock.db')).release()
    expect(readFileSync(join(dir, 'planted'), 'utf8')).toContain('"pid":1')
  })

  it('is where the exchange says that it listens, whatever link lay there', async () => {
    const dir = join(tempDir(), 'exchange')
    mkdirSync(dir, { mode: 0o700 })
    const victim = join(tempDir(), 'victim')
    writeFileSync(victim, 'precious')
    symlinkSync(victim, join(dir, 'listen.json'))
    const exchange = await startExchange({ dir, log: createLog('test').child({}, { level: 'silent' }) })
    const said = readFileSync(join(dir, 'listen.json'), 'utf8')
    await exchange.stop()
    expect([readFileSync(victim, 'utf8'), JSON.parse(said)]).toEqual([
      'precious',
      expect.objectContaining({ url: exchange.url }),
    ])
  })
})

describe('another user’s folder', { skip: onWindows }, () => {
  it('is refused by its number, whoever we are', () => {
    const us = process.getuid!()
    expect([codeOf(() => checkOurs('/x', { uid: us })), codeOf(() => checkOurs('/x', { uid: us + 1 }))]).toEqual([
      null,
      'file.foreign',
    ])
  })

  it('is refused also for root, and nothing in it is changed', { skip: !isRoot }, () => {
    const dir = join(tempDir(), 'data')
    mkdirSync(dir)
    chmodSync(dir, 0o755)
    writeFileSync(join(dir, 'api-token'), 'stk_theirs\n', { mode: 0o600 })
    for (const path of [dir, join(dir, 'api-token')]) chownSync(path, OTHER, OTHER)
    expect([codeOf(() => ensureDataDirectory(dir)), codeOf(() => apiToken(dir))]).toEqual([
      'file.foreign',
      'file.foreign',
    ])
    expect(statSync(dir).mode & 0o777).toBe(0o755)
  })
})
