import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'

import { CHILD_POLICIES } from '#lib/child-policies.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { startExchangeChild, type ExchangeChild } from '#server/exchange-child.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { childrenOf, isAlive, type Running } from '#test/support/processes.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'

const fakeSlowHost = fileURLToPath(new URL('fake-slow-host.ts', import.meta.url))

/** An exchange host other than the one that was killed. */
const isExchange =
  (other: number) =>
  ({ pid, command }: Running): boolean =>
    pid !== other && command.includes('exchange-server/exchange-entry')

interface StartOptions {
  portFile?: string
  onProgress?: (line: string) => void
}

function start(dir: string, onEnd: () => void = () => undefined, port = 0, options: StartOptions = {}): ExchangeChild {
  const log = createLog('test')
  log.warn = onEnd
  const args = ['--data', dir, '--no-practice-buyer']
  const child = startExchangeChild({ args, port, clock: systemClock, log, ...options })
  onTestFinished(() => child.stop())
  return child
}

/** What a core is to it: a process that forks it, keeps its channel, and says its number. */
const FORKS_IT = `
  const { fork } = await import('node:child_process')
  const [entry, dir] = process.argv.slice(1)
  const child = fork(entry, ['--data', dir, '--no-practice-buyer'], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  child.on('message', (word) => word.t === 'ready' && process.stdout.write(child.pid + '\\n'))
`
const exchangeEntry = fileURLToPath(new URL('../../src-main/exchange-server/exchange-entry.ts', import.meta.url))

describe.skipIf(process.platform === 'win32')('an exchange host that is stopped while its parent is killed', () => {
  it('ends in order as soon as it goes on', async () => {
    const dir = join(tempDir(), 'exchange')
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', FORKS_IT, exchangeEntry, dir], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => void parent.kill('SIGKILL'))
    const pid = Number(String((await once(parent.stdout, 'data'))[0]))
    onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
    process.kill(pid, 'SIGSTOP')
    const gone = once(parent, 'exit')
    parent.kill('SIGKILL')
    await gone
    // Nothing but SIGKILL reaches what is stopped.
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGCONT')
    await until('the exchange host to end', () => !isAlive(pid))
    // In order: it took back what says that it listens.
    expect(existsSync(join(dir, 'listen.json'))).toBe(false)
  })
})

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

  it('keeps its address when it is killed again while it starts (case 13)', async () => {
    const child = start(join(tempDir(), 'exchange'))
    const first = await child.started
    process.kill(first.pid, 'SIGKILL')
    await expect.poll(() => childrenOf(process.pid).some(isExchange(first.pid)), { timeout: 60_000 }).toBe(true)
    process.kill(childrenOf(process.pid).find(isExchange(first.pid))!.pid, 'SIGKILL')
    await expect.poll(() => child.address()?.url ?? null, { timeout: 60_000 }).toBe(first.url)
    expect(child.address()!.pid).not.toBe(first.pid)
  })

  it('keeps its address over restarts of Stoker, and says where it went when another program took it', async () => {
    const [dir, portFile] = [join(tempDir(), 'exchange'), join(tempDir(), 'exchange-port')]
    const lines: string[] = []
    const options = { portFile, onProgress: (line: string) => lines.push(line) }
    const run = async (): Promise<number> => {
      const child = start(dir, () => undefined, 0, options)
      const port = Number(new URL((await child.started).url).port)
      await child.stop()
      return port
    }
    const port = await run()
    expect([await run(), lines]).toEqual([port, []])
    const taken = createServer().listen(port, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const next = await run()
    expect(next).not.toBe(port)
    expect(lines).toEqual([expect.stringContaining(`listens on port ${next} now: port ${port}`)])
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
      message: expect.stringContaining(`port ${port} of 127.0.0.1 is taken; name another with --exchange-port`),
    })
    expect(named.address()).toBeNull()
  })

  it('says that its books were written by a newer Stoker, and is not started again for it (it was tried for 20 s)', async () => {
    const dir = join(tempDir(), 'exchange')
    const first = start(dir)
    await first.started
    await first.stop()
    const db = new Database(join(dir, 'exchange.db'))
    db.pragma('user_version = 9999')
    db.close()
    let ends = 0
    const second = start(dir, () => (ends += 1))
    await expect(second.started).rejects.toMatchObject({
      code: 'DB_FROM_FUTURE',
      message: expect.stringMatching(/newer Stoker/),
    })
    expect([ends, second.state().kind]).toEqual([1, 'givenUp'])
    expect(second.whyAway()).toMatchObject({ code: 'exchangeHost.failed', params: { why: { code: 'db.newer' } } })
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

  it('has its minute again after a migration, and is killed and started again when that is over', async () => {
    const dir = tempDir()
    const clock = new FakeClock()
    const lines: string[] = []
    const child = startExchangeChild({
      args: ['--data', dir, '--never-ready'],
      port: 0,
      clock,
      log: createLog('test').child({}, { level: 'silent' }),
      onProgress: (line) => lines.push(line),
      entry: fakeSlowHost,
    })
    onTestFinished(async () => {
      const stopped = child.stop()
      await clock.advance(60_000)
      await stopped
    })
    await until('the first word of the migration', () => lines.length > 0)
    writeFileSync(join(dir, 'go'), '')
    await until('its time to run again', () => clock.waiting > 0)
    await clock.advance(CHILD_POLICIES.exchange.readyMs)
    await until('its kill', () => child.state().kind === 'backoff')
    expect(child.state()).toMatchObject({ attempt: 1, last: { cause: 'late' } })
  })
})
