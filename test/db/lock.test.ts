import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { acquireLock, readOwner } from '#db/lock.ts'
import { tempDir } from '#test/support/temp-dir.ts'

async function contender(
  path: string,
): Promise<{ child: ChildProcess; report: { pid?: number; code?: string; data?: unknown; message?: string } }> {
  const child = fork(join(import.meta.dirname, 'lock-owner.ts'), [path], {
    execPath: process.execPath,
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [report] = (await once(child, 'message')) as [{ pid?: number; code?: string }]
  return { child, report }
}

describe('acquireLock', () => {
  it('refuses a second process with the pid and url of the owner (two cores on one ledger)', async () => {
    const folder = tempDir()
    const lock = acquireLock(join(folder, 'lock.db'))
    lock.describe({ pid: process.pid, url: 'http://127.0.0.1:1' })
    const { report } = await contender(join(folder, 'lock.db'))
    expect(report).toMatchObject({ code: 'DATA_LOCKED', data: { pid: process.pid, url: 'http://127.0.0.1:1' } })
    expect(report.message).toContain(String(process.pid))
    lock.release()
    lock.release()
    expect(existsSync(join(folder, 'owner.json'))).toBe(false)
    expect((await contender(join(folder, 'lock.db'))).report.code).toBeUndefined()
  })

  it('refuses a second owner inside one process too', () => {
    const path = join(tempDir(), 'lock.db')
    const lock = acquireLock(path)
    expect(() => acquireLock(path)).toThrow(expect.objectContaining({ code: 'DATA_LOCKED' }))
    lock.release()
    acquireLock(path).release()
  })

  it('is free again after the owner was killed, whatever owner.json still says', async () => {
    const folder = tempDir()
    const path = join(folder, 'lock.db')
    const { child, report } = await contender(path)
    expect(() => acquireLock(path)).toThrow(
      expect.objectContaining({ code: 'DATA_LOCKED', data: expect.objectContaining({ pid: report.pid }) as unknown }),
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(readOwner(join(folder, 'owner.json'))?.pid).toBe(report.pid)
    const lock = acquireLock(path)
    expect(readOwner(join(folder, 'owner.json'))?.pid).toBe(process.pid)
    lock.release()
  })
})
