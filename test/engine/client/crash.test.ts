import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { forkEngineChild } from '#engine/client/fork-child.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'

import { ask, NANO, ONE_SLOT, realEngine, run, SHA, submit, whenState } from '../engine-support.ts'

describe('real host processes', () => {
  it('ends the job of a kill -9 with ENGINE_CRASHED, comes back by itself and serves the next', async () => {
    const { engine, forks } = realEngine()
    onTestFinished(() => engine.stop())
    await engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    const { outcome, firstDelta } = submit(engine, ask('What is 8 + 11?', { ignoreEos: true, maxTokens: 160 }))
    await firstDelta
    const away = whenState(engine, 'backoff')
    process.kill(forks[0]?.pid ?? 0, 'SIGKILL')
    expect((await outcome).error?.code).toBe('ENGINE_CRASHED')
    await away
    // Submitted while it restarts: held until the model is back.
    expect(await run(engine, ask('What is 8 + 11?'))).toMatchObject({ error: null, text: expect.stringMatching(/\w/) })
    expect(forks.length).toBe(2)
    expect(engine.stats().pid).toBe(forks[1]?.pid)
  })

  it('comes back by itself when it is killed while a load waits for its start, and again in the next start', async () => {
    const { engine, forks } = realEngine()
    onTestFinished(() => engine.stop())
    const loading = engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    const crashed = loading.catch((error: unknown) => error)
    await until('the first host', () => forks.length === 1)
    const back = whenState(engine, 'ready')
    process.kill(forks[0]?.pid ?? 0, 'SIGKILL')
    expect(await crashed).toMatchObject({ code: 'ENGINE_CRASHED' })
    await until('the second host', () => forks.length === 2)
    process.kill(forks[1]?.pid ?? 0, 'SIGKILL')
    await back
    expect(await engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)).toMatchObject({ sha256: SHA })
    expect(forks.length).toBe(3)
  })

  it('exits when its channel closes', async () => {
    const host = forkEngineChild()
    await new Promise<void>((resolve) => host.channel.onMessage(() => resolve()))
    const gone = new Promise((resolve) => host.onExit(resolve))
    host.channel.close()
    expect(await gone).toEqual({ code: 0, signal: null })
  })

  it('leaves no orphan when its parent is killed', async () => {
    const source = `import { forkEngineChild } from ${JSON.stringify(resolve(import.meta.dirname, '../../../src-main/engine/client/fork-child.ts'))}
      const host = forkEngineChild(); host.channel.onMessage((message) => console.log(JSON.stringify(message)))`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: resolve(import.meta.dirname, '../../..'),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    expect(JSON.parse(line.toString())).toMatchObject({ t: 'ready' })
    // The host holds the parent's standard error: `close` comes only when both are gone.
    const closed = once(parent, 'close')
    parent.kill('SIGKILL')
    expect(await closed).toEqual([null, 'SIGKILL'])
  })

  it(
    'leaves no orphan when the host cannot see that its parent is gone',
    { skip: process.platform !== 'linux' },
    async () => {
      const source = `import { forkEngineChild } from ${JSON.stringify(resolve(import.meta.dirname, '../../../src-main/engine/client/fork-child.ts'))}
      const host = forkEngineChild(); host.channel.onMessage((message) => console.log(JSON.stringify(message)))`
      const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
        cwd: resolve(import.meta.dirname, '../../..'),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const { pid } = JSON.parse(line.toString()) as { pid: number }
      onTestFinished(() => {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It is gone, as it should be.
        }
      })
      // A stopped process handles nothing, like one inside a long native call.
      process.kill(pid, 'SIGSTOP')
      const closed = once(parent, 'close')
      parent.kill('SIGKILL')
      expect(await closed).toEqual([null, 'SIGKILL'])
    },
  )

  it('gives the child no environment but what it needs', async () => {
    process.env['STOKER_TEST_SECRET'] = 'hidden'
    onTestFinished(() => void delete process.env['STOKER_TEST_SECRET'])
    const entry = join(tempDir(), 'print-environment.mjs')
    writeFileSync(entry, "process.send(Object.keys(process.env)); process.on('disconnect', () => process.exit(0))")
    const host = forkEngineChild({ entry })
    const names = await new Promise<unknown>((resolve) => host.channel.onMessage(resolve))
    expect(names).toContain('PATH')
    expect(names).not.toContain('STOKER_TEST_SECRET')
    host.channel.close()
  })
})
