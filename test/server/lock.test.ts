import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { readOwner } from '#server/data-dir.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { childrenOf, isAlive } from '#test/support/processes.ts'
import { startRig, stoker, type Rig } from '#test/support/rig.ts'

const folder = temporaryFolder()
let rig: Rig

beforeAll(async () => {
  rig = await startRig({ dir: folder.path })
}, 180_000)

afterAll(async () => {
  await rig.stop()
  folder.remove()
})

describe('one owner per data folder', () => {
  it('refuses a second one with exit code 3 and names the first', async () => {
    const second = await stoker(['serve', '--data', folder.path, '--port', '0'])
    expect(second.code).toBe(3)
    expect(second.stderr).toContain(String(rig.pid))
    expect(second.stderr).toContain('DATA_LOCKED')
  })

  it('lets the command line ask the owner: a new link, a buyer’s key, the books', async () => {
    const [link, key, ledger] = await Promise.all([
      stoker(['link', '--data', folder.path, '--json']),
      stoker(['buyer-key', '--data', folder.path]),
      stoker(['ledger', 'check', '--data', folder.path, '--json']),
    ])
    expect((JSON.parse(link.stdout) as { link: string }).link).toMatch(/#code=[\w-]+$/)
    expect(key.stdout).toMatch(/^sk-practice-[\w-]+\n$/)
    expect([ledger.code, (JSON.parse(ledger.stdout) as { ok: boolean }).ok]).toEqual([0, true])
  })

  it('answers with the contract’s own values', async () => {
    const hello = await rig.client.app.hello()
    expect({ mode: hello.mode, realm: hello.realm, unit: hello.unit, dataDir: hello.dataDir }).toEqual({
      mode: 'headless',
      realm: 'practice',
      unit: { code: 'PCR', kind: 'points', scale: 9, name: 'practice credits' },
      dataDir: folder.path,
    })
  })

  it('is free again after a kill -9, whose children end by themselves', async () => {
    const children = childrenOf(rig.pid).map((child) => child.pid)
    expect(children.length).toBeGreaterThan(0)
    await rig.kill('SIGKILL')
    await expect.poll(() => children.filter(isAlive), { timeout: 30_000 }).toEqual([])
    rig = await startRig({ dir: folder.path })
    expect(readOwner(folder.path)?.pid).toBe(rig.pid)
  })

  it('ends with exit code 0 on SIGTERM, leaving no process and no owner.json', async () => {
    const children = childrenOf(rig.pid).map((child) => child.pid)
    expect(await rig.stop()).toBe(0)
    expect([children.filter(isAlive), readOwner(folder.path)]).toEqual([[], null])
  })
})
