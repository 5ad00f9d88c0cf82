/**
 * Long work on files in a thread of its own: SQLite blocks until a check, a slice of a copy or a step of a migration is
 * done, and a process that is blocked tells nobody how far it is and is taken for dead.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { fromErrorValue } from '#contract/errors.ts'

import type { DbTask, DbWorkerMessage, ProgressOf, ResultOf } from './db-task.ts'

export interface OffThreadOptions<Task extends DbTask> {
  onProgress?: (progress: ProgressOf<Task>) => void
  /** Every `tickMs`, with the seconds since it began. */
  onTick?: (seconds: number) => void
  /** Two seconds; less in tests. */
  tickMs?: number
  /** Ends the thread; its reason is thrown. What was not committed is undone by the next open. */
  signal?: AbortSignal
}

/** Whoever waits hears of the work this often. */
const TICK_MS = 2_000
/** From the sources, beside a bundled entry, or above the folder of its shared parts. */
const ENTRIES = ['./db-worker.ts', './db-worker.js', '../db-worker.js']

const entry = (): URL => {
  const found = ENTRIES.map((name) => new URL(name, import.meta.url)).find((url) => existsSync(fileURLToPath(url)))
  if (found === undefined) throw new Error('the entry of the database thread is missing')
  return found
}

/** Resolves with what the task gives. Errors: the task's; the signal's reason. */
export async function offThread<Task extends DbTask>(
  task: Task,
  options: OffThreadOptions<Task> = {},
): Promise<ResultOf<Task>> {
  const { onProgress, onTick, tickMs = TICK_MS, signal } = options
  signal?.throwIfAborted()
  // What was preloaded into this process is not the thread's.
  const worker = new Worker(entry(), { workerData: task, execArgv: [] })
  const startedAt = performance.now()
  const timer = setInterval(() => onTick?.(Math.round((performance.now() - startedAt) / 1_000)), tickMs)
  const { promise, resolve, reject } = Promise.withResolvers<ResultOf<Task>>()
  const onAbort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  worker.on('message', (message: DbWorkerMessage<Task>) => {
    if (message.t === 'progress') onProgress?.(message.progress)
    else if (message.t === 'done') resolve(message.result)
    else reject(fromErrorValue(message.error))
  })
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`the database thread ended with ${code}`)))
  try {
    return await promise
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
