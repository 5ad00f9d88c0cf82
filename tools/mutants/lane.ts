/** A lane runs one test file after the other in a process of its own, and starts it anew when a mutant never ends. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import type { LaneMessage, LaneStart, RunRequest } from './lane-process.ts'

export type Ran = { ended: true; passed: boolean; failed: string; ms: number } | { ended: false }

const PROCESS = join(import.meta.dirname, 'lane-process.ts')
/** Starting vitest takes a second or two. */
const START_LIMIT_MS = 120_000

export class Lane {
  readonly #start: LaneStart
  #child: ChildProcess | null = null

  constructor(start: LaneStart) {
    this.#start = start
  }

  /** Runs a test file; `ended` is false when it took longer than the limit and was killed. Error: the process ends by itself. */
  async run(request: RunRequest, limitMs: number): Promise<Ran> {
    this.#child ??= await this.#launch()
    const answer = await ask(this.#child, request, limitMs)
    if (answer?.t === 'ran') return { ended: true, passed: answer.passed, failed: answer.failed, ms: answer.ms }
    this.stop()
    return { ended: false }
  }

  stop(): void {
    if (this.#child !== null) end(this.#child)
    this.#child = null
  }

  async #launch(): Promise<ChildProcess> {
    const env = { ...process.env, TMPDIR: this.#start.temp }
    // Output of tests is of no use here: mutants make many of them complain.
    const child = fork(PROCESS, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: process.platform !== 'win32',
      env,
    })
    const answer = await ask(child, this.#start, START_LIMIT_MS)
    if (answer !== null) return child
    end(child)
    throw new Error('vitest did not start in time')
  }
}

/** Ends the process and everything below it: it leads a group of its own. */
function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It ended in this moment.
  }
}

/** Sends a request and waits for the answer; null after the limit. */
async function ask(child: ChildProcess, request: LaneStart | RunRequest, limitMs: number): Promise<LaneMessage | null> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), limitMs)
  const ended = once(child, 'exit', { signal: deadline.signal }).then(() => {
    throw new Error('a test process of the mutation runner ended by itself')
  })
  try {
    const answer = once(child, 'message', { signal: deadline.signal })
    child.send(request)
    const [message] = (await Promise.race([answer, ended])) as [LaneMessage]
    return message
  } catch (error) {
    if (deadline.signal.aborted) return null
    throw error
  } finally {
    clearTimeout(timer)
    deadline.abort()
    ended.catch(() => undefined)
  }
}
