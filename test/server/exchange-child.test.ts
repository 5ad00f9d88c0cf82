import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'

import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { startExchangeChild, type ExchangeChild } from '#server/exchange-child.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { isAlive } from '#test/support/processes.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'

const fakeSlowHost = fileURLToPath(new URL('fake-slow-host.ts', import.meta.url))

function start(dir: string, onEnd: () => void = () => undefined, port = 0): ExchangeChild {
  const log = createLog('test')
  log.warn = onEnd
  const child = startExchangeChild({ args: ['--data', dir, '--no-practice-buyer'], port, clock: systemClock, log })
  onTestFinished(() => child.stop())
  return child
}

describe('the exchange host as a child', () => {
  it('comes back at the same address after a kill -9, with the same key, never two at once', async () => {
    const child = start(join(tempDir(), 'exchange'))
    const first = await child.started
    process.kill(first.pid, 'SIGKILL')
    await expect.poll(() => child.address()?.pid ?? first.pid, { timeout: 60_000 }).not.toBe(first.pid)
    const second = child.address()!
    expect([second.url, second.exchangeKey, isAlive(first.pid)]).toEqual([first.url, first.exchangeKey, false])
    expect((await fetch(`${second.url}/health`)).status).toBe(200)
  })

  it('is gone when stop resolves, and stays gone', async () => {
    const child = start(join(tempDir(), 'exchange'))
    const { pid } = await child.started
    await child.stop()
    expect([isAlive(pid), child.address()]).toEqual([false, null])
  })

  it('can be stopped before it came up', async () => {
    const child = start(join(tempDir(), 'exchange'))
    await child.stop()
    await expect(child.started).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('keeps trying while something else holds its folder, and takes it when it is free', async () => {
    const dir = join(tempDir(), 'exchange')
    const lockOwner = start(dir)
    await lockOwner.started
    let waiting: ExchangeChild | null = null
    await new Promise<void>((refused) => (waiting = start(dir, refused)))
    expect(waiting!.address()).toBeNull()
    await lockOwner.stop()
    expect((await waiting!.started).pid).toBeGreaterThan(0)
  })

  it('never takes another port than the one that was named, and says why it does not come up (buyers were sent elsewhere in silence)', async () => {
    const lockOwner = start(join(tempDir(), 'exchange'))
    const port = Number(new URL((await lockOwner.started).url).port)
    const named = start(join(tempDir(), 'exchange'), () => undefined, port)
    await expect(named.started).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`port ${port} of 127.0.0.1 is taken`),
    })
    expect(named.address()).toBeNull()
  })

  it('says that its books were written by a newer Stoker', async () => {
    const dir = join(tempDir(), 'exchange')
    const first = start(dir)
    await first.started
    await first.stop()
    const db = new Database(join(dir, 'exchange.db'))
    db.pragma('user_version = 9999')
    db.close()
    await expect(start(dir).started).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/newer Stoker/),
    })
  })

  it('is waited for while it migrates, however long that takes (it was killed at 20 s in its copy)', async () => {
    const dir = tempDir()
    const clock = new FakeClock()
    const lines: string[] = []
    const child = startExchangeChild({
      args: ['--data', dir],
      port: 0,
      clock,
      log: createLog('test'),
      onProgress: (line) => lines.push(line),
      entry: fakeSlowHost,
    })
    onTestFinished(() => child.stop())
    await until('the first word of the migration', () => lines.length > 0)
    let outcome = 'waiting'
    void child.started.then(
      () => (outcome = 'started'),
      (error: Error) => (outcome = error.message),
    )
    // Five minutes without another word.
    await clock.advance(300_000)
    expect(outcome).toBe('waiting')
    writeFileSync(join(dir, 'go'), '')
    await expect(child.started).resolves.toMatchObject({ url: 'http://127.0.0.1:1' })
    expect(lines).toEqual(['copying 0 %'])
  })

  it('has its 20 s again after a migration, and no more', async () => {
    const dir = tempDir()
    const clock = new FakeClock()
    const lines: string[] = []
    const child = startExchangeChild({
      args: ['--data', dir, '--never-ready'],
      port: 0,
      clock,
      log: createLog('test'),
      onProgress: (line) => lines.push(line),
      entry: fakeSlowHost,
    })
    onTestFinished(() => child.stop())
    await until('the first word of the migration', () => lines.length > 0)
    writeFileSync(join(dir, 'go'), '')
    await until('its time to run again', () => clock.waiting > 0)
    await clock.advance(20_000)
    await expect(child.started).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
