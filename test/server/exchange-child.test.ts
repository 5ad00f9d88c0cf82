import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { systemClock } from '#lib/clock.ts'
import { createLog } from '#lib/log.ts'
import { startExchangeChild, type ExchangeChild } from '#server/exchange-child.ts'
import { isAlive } from '#test/support/processes.ts'
import { tempDir } from '#test/support/temp-dir.ts'

function start(dir: string, onEnd: () => void = () => undefined): ExchangeChild {
  const log = createLog('test')
  log.warn = onEnd
  const child = startExchangeChild({ args: ['--data', dir, '--no-practice-buyer'], port: 0, clock: systemClock, log })
  onTestFinished(() => child.stop())
  return child
}

describe('the exchange host as a child', () => {
  it('comes back at the same address after a kill -9, with the same key, never two at once', async () => {
    const child = start(join(tempDir(), 'exchange'))
    const first = await child.started
    process.kill(first.pid, 'SIGKILL')
    await expect.poll(() => child.address()?.pid ?? first.pid, { timeout: 15_000 }).not.toBe(first.pid)
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
    const holder = start(dir)
    await holder.started
    let waiting: ExchangeChild | null = null
    await new Promise<void>((refused) => (waiting = start(dir, refused)))
    expect(waiting!.address()).toBeNull()
    await holder.stop()
    expect((await waiting!.started).pid).toBeGreaterThan(0)
  })
})
