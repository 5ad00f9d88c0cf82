/**
 * The supervisor over real processes: stopped and continued, stopped for good, killed, silent from the start, busy for
 * longer than a start may take, ended for a reason that it states, deaf to everything but a kill.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { describe, expect, it, onTestFinished } from 'vitest'

import type { ChildPolicy } from '#lib/child-policies.ts'
import { childWord } from '#lib/child-words.ts'
import { lastPlainLine } from '#lib/last-words.ts'
import { createLog } from '#lib/log.ts'
import { SupervisedChild, type ChildState, type LifeSigns, type SupervisedLife } from '#lib/supervise.ts'
import { systemClock } from '#lib/system-clock.ts'
import { isAlive } from '#test/support/processes.ts'
import { until } from '#test/support/until.ts'

const ENTRY = fileURLToPath(new URL('pulsing-child.ts', import.meta.url))
const log = createLog('test').child({}, { level: 'silent' })
const POLICY: ChildPolicy = {
  readyMs: 20_000,
  silence: { saidMs: 1_500, killMs: 4_000, counts: 'always' },
  pausesMs: [50],
  healthyMs: 60_000,
  failuresMax: { first: 3, later: null },
  end: { askMs: 500, terminateMs: 100, killMs: 5_000 },
}

function start(how: string, change: Partial<ChildPolicy> = {}) {
  const states: ChildState[] = []
  const pids: number[] = []
  const forkOne = (signs: LifeSigns): SupervisedLife => {
    const child = fork(ENTRY, [how], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    pids.push(child.pid!)
    let words = ''
    child.stderr!.on('data', (chunk: Buffer) => (words = lastPlainLine(chunk.toString('utf8')) ?? words))
    child.on('message', (message) => {
      signs.heard()
      const word = childWord(message)
      if ((message as { t: string }).t === 'ready') signs.ready()
      else if (word?.t === 'busy' && word.task === null) signs.done()
      else if (word?.t === 'busy' && word.task !== null) signs.busy(word.task, word.text)
    })
    return {
      pid: child.pid ?? null,
      ask: () => child.connected && child.disconnect(),
      terminate: () => void child.kill('SIGTERM'),
      kill: () => void child.kill('SIGKILL'),
      onExit: (listener) => {
        const heard = once(child.stderr!, 'close')
        // No `close` of the child: Node leaves it out where the parent has closed the channel.
        child.once('exit', (code, signal) => void heard.then(() => listener({ code, signal, words })))
      },
    }
  }
  const child = new SupervisedChild({
    name: how,
    policy: { ...POLICY, ...change },
    clock: systemClock,
    log,
    start: forkOne,
    failed: (end, givenUp) =>
      new Error(`${end?.cause ?? 'called off'}: ${end?.words ?? ''}${givenUp ? ', given up' : ''}`),
    onState: (state) => states.push(state),
  })
  onTestFinished(async () => {
    await child.stop()
    expect(pids.filter(isAlive)).toEqual([])
  })
  return { child, states, pids, kinds: () => states.map(({ kind }) => kind) }
}
const reached = (child: SupervisedChild<SupervisedLife>, kind: ChildState['kind']): Promise<void> =>
  until(`the state ${kind}`, () => child.state.kind === kind)

describe('real processes', { skip: process.platform === 'win32' }, () => {
  it('stopped for a while is called silent, goes on, and is not killed for it', async () => {
    const { child, pids, kinds } = start('pulses', { silence: { saidMs: 1_500, killMs: 120_000, counts: 'always' } })
    await child.started()
    process.kill(pids[0]!, 'SIGSTOP')
    await reached(child, 'silent')
    process.kill(pids[0]!, 'SIGCONT')
    await reached(child, 'ready')
    expect([pids.length, kinds()]).toEqual([1, ['starting', 'ready', 'silent', 'ready']])
  })

  it('stopped for good is killed, and the next one serves', async () => {
    const { child, pids, states } = start('pulses')
    await child.started()
    process.kill(pids[0]!, 'SIGSTOP')
    await until('another life', () => pids.length === 2 && child.state.kind === 'ready')
    expect(isAlive(pids[0]!)).toBe(false)
    expect(states.find(({ kind }) => kind === 'backoff')).toMatchObject({
      last: { cause: 'silent', signal: 'SIGKILL' },
    })
  })

  it('killed comes back, twice within a moment too', async () => {
    const { child, pids } = start('pulses')
    await child.started()
    process.kill(pids[0]!, 'SIGKILL')
    await until('the next life', () => pids.length === 2)
    process.kill(pids[1]!, 'SIGKILL')
    await until('a third one', () => pids.length === 3 && child.state.kind === 'ready')
    expect(pids.map(isAlive)).toEqual([false, false, true])
  })

  it('that never says a word is killed at its time, and given up after the last try', async () => {
    const { child, pids, states } = start('silent', { readyMs: 300, failuresMax: { first: 2, later: null } })
    await expect(child.started()).rejects.toThrow('late')
    await reached(child, 'givenUp')
    expect([pids.length, states.at(-1)]).toEqual([
      2,
      expect.objectContaining({ failures: 2, last: expect.objectContaining({ cause: 'late' }) }),
    ])
  })

  it('that migrates for longer than a start may take is waited for, and says how far it is', async () => {
    // It works for longer; the rest of a start fits, on a busy machine too.
    const { child, pids, states } = start('busy', { readyMs: 3_000 })
    await child.started().catch(() => undefined)
    await reached(child, 'ready')
    const texts = states.flatMap((state) => (state.kind === 'busy' && state.task === 'migrating' ? [state.text] : []))
    expect(texts.slice(-35)).toEqual(Array.from({ length: 35 }, (_, index) => `${index + 1} of 35`))
    expect(isAlive(pids.at(-1)!)).toBe(true)
  })

  it('that states a reason which no start mends is started once, and its words are told', async () => {
    const { child, pids } = start('newer')
    await expect(child.started()).rejects.toThrow('exit: written by a newer Stoker, given up')
    expect(pids).toHaveLength(1)
  })

  it('deaf to its channel and to SIGTERM is killed when its end is asked for', async () => {
    const { child, pids } = start('deaf')
    await child.started()
    expect(await child.stop()).toBe(true)
    expect(isAlive(pids[0]!)).toBe(false)
  })
})
