/** `stoker key`, `backup` and `restore` as their owner types them. */
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import { readKeyText } from '#lib/ed25519.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { startRig, stoker } from '#test/support/rig.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { JOBS, writeFolder } from '../core/backup/backup-folder.ts'

const suite = temporaryFolder()
const [dir, passphrase, exported] = ['data', 'passphrase', 'seller.stoker-key'].map((name) =>
  join(suite.path, name),
) as [string, string, string]
const keyFile = join(dir, 'seller.key')
const publicKey = () => readKeyText(keyFile)!.key.publicKey
beforeAll(async () => {
  await writeFolder(dir)
  writeFileSync(passphrase, 'correct horse battery\n')
})
afterAll(() => suite.remove())

const key = (...args: string[]) => stoker(['key', ...args, '--data', dir])
const withPassphrase = ['--passphrase-file', passphrase]

describe('stoker key', () => {
  it('keeps the key elsewhere and brings it back; without it nothing starts and no new one is made', async () => {
    const old = publicKey()
    const pem = readFileSync(keyFile, 'utf8')
    expect(JSON.parse((await key('show', '--json')).stdout)).toMatchObject({ publicKey: old, others: [] })
    expect((await key('export', exported, ...withPassphrase)).code).toBe(0)
    expect(statSync(exported).mode & 0o077).toBe(0)
    expect((await key('export', exported, ...withPassphrase)).stderr).toContain('exists already')

    rmSync(keyFile)
    const start = await stoker(['serve', '--data', dir, '--port', '0'])
    expect(start.code).toBe(3)
    expect(start.stderr).toContain(`the history in this folder belongs to the key ${old}`)
    // Of this folder, not of the one that commands take by themselves.
    expect(start.stderr).toContain(`stoker key import FILE --data ${dir}`)
    expect([existsSync(keyFile), existsSync(join(dir, 'exchange', 'listen.json'))]).toEqual([false, false])

    expect((await key('import', exported, ...withPassphrase)).code).toBe(0)
    expect(readFileSync(keyFile, 'utf8')).toBe(pem)
  })

  it('has a message of its own for a wrong passphrase, a truncated file and a key of somebody else; nothing changes', async () => {
    const before = readFileSync(keyFile, 'utf8')
    const [wrong, cut, foreign] = ['wrong', 'cut', 'foreign'].map((name) => join(suite.path, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(wrong, 'another horse battery\n')
    writeFileSync(cut, readFileSync(exported, 'utf8').slice(0, 400))
    const other = tempDir()
    await stoker(['key', 'new', '--yes', '--data', other])
    await stoker(['key', 'export', foreign, ...withPassphrase, '--data', other])
    // One after the other: each holds the folder.
    const results = [
      await key('import', exported, '--passphrase-file', wrong),
      await key('import', cut, ...withPassphrase),
      await key('import', foreign, ...withPassphrase),
    ]
    expect(results.map(({ stderr }) => stderr.replace(/ \/\S+/g, ' FILE').slice(0, 60))).toEqual([
      expect.stringContaining('the passphrase does not open'),
      expect.stringContaining('is cut off or damaged'),
      expect.stringContaining('that is the key'),
    ])
    expect(results.map(({ code }) => code === 0)).toEqual([false, false, false])
    expect(readFileSync(keyFile, 'utf8')).toBe(before)
  })

  it('takes a passphrase from no argument, and asks nobody where there is no terminal', async () => {
    const file = join(suite.path, 'not-written')
    expect((await key('export', file, '--passphrase', 'correct horse battery')).code).toBe(2)
    const asked = await key('export', file)
    expect([asked.code, asked.stderr.includes('--passphrase-file')]).toEqual([2, true])
    writeFileSync(join(suite.path, 'short'), 'short')
    expect((await key('export', file, '--passphrase-file', join(suite.path, 'short'))).stderr).toContain('at least 10')
    expect(existsSync(file)).toBe(false)
  })

  it('makes a new one only after it said what that costs, and only for a yes', async () => {
    const old = publicKey()
    const asked = await key('new')
    expect(asked.code).toBe(2)
    expect(asked.stderr).toMatch(/What that costs:[\s\S]+practice credits held[\s\S]+300 receipts stay/)
    expect(publicKey()).toBe(old)
    const made = await key('new', '--yes', '--json')
    const { publicKey: next, aside } = JSON.parse(made.stdout) as { publicKey: string; aside: string }
    expect([made.code, publicKey(), made.stderr.includes('What that costs')]).toEqual([0, next, true])
    expect(next).not.toBe(old)
    expect(readKeyText(aside)!.key.publicKey).toBe(old)
    expect(JSON.parse((await key('show', '--json')).stdout)).toMatchObject({ publicKey: next, others: [old] })
    // The way back: the old one is one of this folder's.
    expect((await key('import', exported, ...withPassphrase)).code).toBe(0)
    expect(publicKey()).toBe(old)
  })
})

describe('stoker backup and restore', () => {
  it('while it runs: through the owner, who goes on and shows it on his page; into its own folder is refused', async () => {
    const rig = await startRig({ dir, args: ['--no-practice-buyer'] })
    onTestFinished(async () => void (await rig.stop()))
    const folder = join(tempDir(), 'copies')
    const made = await stoker(['backup', folder, '--data', dir, '--json'])
    const { path, running } = JSON.parse(made.stdout) as { path: string; running: boolean }
    expect([made.code, running]).toEqual([0, true])
    expect(auditRig(path)).toMatchObject({ ok: true, ours: { receipts: JOBS } })
    expect((await rig.client.backup.status()).last).toMatchObject({ path, automatic: false, problem: null })
    const refused = await stoker(['backup', join(dir, 'copies'), '--data', dir])
    expect([refused.code, refused.stderr.includes('lies in the data folder')]).toEqual([2, true])
    // A running Stoker is not pulled from under its owner.
    const restored = await stoker(['restore', folder, '--data', dir, '--yes'])
    expect([restored.code, restored.stderr.includes('is in use by')]).toEqual([3, true])
    expect((await stoker(['key', 'new', '--yes', '--data', dir])).code).toBe(3)
    expect(await rig.stop()).toBe(0)
  })

  it('while it is stopped; a restore asks first, keeps what was there, and what starts then is the copy', async () => {
    const folder = join(tempDir(), 'copies')
    const made = await stoker(['backup', folder, '--data', dir, '--json'])
    expect([made.code, (JSON.parse(made.stdout) as { running: boolean }).running]).toEqual([0, false])
    const target = join(tempDir(), 'data')
    await writeFolder(target, 20)
    const asked = await stoker(['restore', folder, '--data', target])
    expect([asked.code, asked.stderr.includes('(20 jobs)'), asked.stderr.includes('--yes')]).toEqual([2, true, true])
    expect(auditRig(target).ours.receipts).toBe(20)
    const done = await stoker(['restore', folder, '--data', target, '--yes', '--json'])
    const { aside } = JSON.parse(done.stdout) as { aside: string }
    expect([done.code, auditRig(target).ours.receipts, auditRig(aside).ours.receipts]).toEqual([0, JOBS, 20])
    const rig = await startRig({ dir: target, args: ['--no-practice-buyer'] })
    onTestFinished(async () => void (await rig.stop()))
    const { restored, last } = await rig.client.backup.status()
    expect([restored?.from.startsWith(folder), last]).toEqual([true, expect.objectContaining({ automatic: false })])
    expect(readKeyText(join(target, 'seller.key'))!.key.publicKey).toBe(publicKey())
  })

  it('of nothing, from nowhere, and of the folder itself are each a sentence', async () => {
    const empty = tempDir()
    const results = await Promise.all([
      stoker(['backup', join(empty, 'x'), '--data', tempDir()]),
      stoker(['restore', empty, '--data', join(empty, 'data')]),
      stoker(['restore', dir, '--data', dir]),
    ])
    expect(results.map(({ code }) => code)).toEqual([3, 3, 2])
    expect(results.every(({ stderr }) => stderr.startsWith('stoker: ') && stderr.trim().split('\n').length === 1)).toBe(
      true,
    )
    expect(readdirSync(empty)).toEqual([])
  })
})
