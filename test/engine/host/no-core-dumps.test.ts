/**
 * A crash of the engine host leaves no prompt on the disk. Beside it a process without the precaution dies the same way,
 * to show that this machine writes dumps and that the search finds what is in them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { childProcessChannel } from '#contract/channel/child-process.ts'
import type { ForkedHost } from '#engine/client/supervisor.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { ask, NANO, ONE_SLOT, realEngine, SHA, submit, type RealEngine } from '../engine-support.ts'

const ENTRY = resolve(import.meta.dirname, '../../../src-main/engine/host/engine-host-entry.ts')
const CANARY = 'canary-4711-of-a-buyer'

let real: RealEngine | null = null
afterEach(async () => {
  await real?.engine.stop()
  real = null
})

/** A node process whose shell allows dumps of any size, in a folder of its own. */
function withDumps(folder: string, args: readonly string[], ipc: boolean): ChildProcess {
  return spawn('sh', ['-c', 'ulimit -c unlimited 2>/dev/null; exec "$0" "$@"', process.execPath, ...args], {
    cwd: folder,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', ...(ipc ? (['ipc'] as const) : [])],
  })
}

function engineHost(folder: string): ForkedHost {
  const child = withDumps(folder, [ENTRY], true)
  return {
    channel: childProcessChannel(child),
    pid: child.pid ?? null,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    onExit: (listener) => void child.on('exit', (code, signal) => listener({ code, signal })),
  }
}

/** Files in the folder, with whether the canary is in them. */
async function dumps(folder: string): Promise<{ name: string; found: boolean }[]> {
  const found = readdirSync(folder).map(async (name) => {
    let tail = ''
    for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 4_194_304 })) {
      const text = tail + (chunk as Buffer).toString('latin1')
      if (text.includes(CANARY)) return { name, found: true }
      tail = text.slice(-CANARY.length)
    }
    return { name, found: false }
  })
  return Promise.all(found)
}

describe.runIf(process.platform === 'linux')('an engine host that is killed with a prompt in memory', () => {
  it('leaves no dump, where another process of this machine leaves one with the canary in it', async () => {
    const folder = tempDir()
    real = realEngine(() => engineHost(folder))
    await real.engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    const { outcome, firstDelta } = submit(real.engine, ask(CANARY, { ignoreEos: true, maxTokens: 100 }))
    await firstDelta
    const { pid } = real.forks[0]!
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m)
    const gone = Promise.withResolvers<string | null>()
    real.forks[0]!.onExit(({ signal }) => gone.resolve(signal))
    process.kill(pid!, 'SIGABRT')
    expect(await gone.promise).toBe('SIGABRT')
    expect((await outcome).error?.code).toBe('ENGINE_CRASHED')
    expect(await dumps(folder)).toEqual([])

    const beside = tempDir()
    const careless = withDumps(beside, ['-e', `globalThis.kept = '${CANARY}'; process.abort()`], false)
    await once(careless, 'exit')
    const left = await dumps(beside)
    // Where the kernel pipes dumps into a program, or the limit cannot be raised, no file is left by either.
    const writes = !readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|') && process.getuid?.() === 0
    expect(left.some(({ found }) => found) || !writes).toBe(true)
  }, 60_000)

  it('is not dumpable at all, which stops dumps that are piped into a program', async () => {
    const script = [
      `const { noCoreDumps } = await import(${JSON.stringify(resolve(ENTRY, '../no-core-dumps.ts'))})`,
      `const koffi = (await import('koffi')).default`,
      `const prctl = koffi.load(null).func('int prctl(int o, unsigned long a, unsigned long b, unsigned long c, unsigned long d)')`,
      'console.log(prctl(3, 0, 0, 0, 0), noCoreDumps(), prctl(3, 0, 0, 0, 0))',
    ].join('\n')
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    const text: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => text.push(String(chunk)))
    await once(child, 'close')
    expect(text.join('').trim()).toBe('1 true 0')
  })
})
