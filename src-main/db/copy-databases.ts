/** Copies databases, in use or at rest, in a thread of its own: whoever calls goes on with what it does. */
import { basename } from 'node:path'
import { Worker } from 'node:worker_threads'

import type { CopiedFile, CopyGroups, CopyMessage, CopyProblem, CopyProgress } from './copy-tasks.ts'

export type { CopiedFile, CopyGroups, CopyProblem, CopyProgress, CopyTask } from './copy-tasks.ts'

/** Where the thread's code lies when it runs from the sources; a bundle names its own. */
const SOURCE = new URL('copy-worker.ts', import.meta.url)

export interface CopyOptions {
  groups: CopyGroups
  onProgress: (progress: CopyProgress) => void
  /** Ends the thread; its reason is thrown. What was written so far is the caller's to remove. */
  signal?: AbortSignal
  /** The entry of the thread; the source file when left out. */
  entry?: string | URL
}

/** The copies, or why there are none: then some files may lie there half made. */
export type CopyOutcome = { copied: CopiedFile[] } | { problem: CopyProblem }

/** Never throws for what a file or disk is to blame for. Throws the signal's reason. */
export async function copyDatabases({ groups, onProgress, signal, entry = SOURCE }: CopyOptions): Promise<CopyOutcome> {
  signal?.throwIfAborted()
  const copied: CopiedFile[] = []
  let problem: CopyProblem | null = null
  // What was preloaded into this process is not the thread's.
  const worker = new Worker(entry, { workerData: groups, execArgv: [] })
  const onAbort = (): void => void worker.terminate()
  signal?.addEventListener('abort', onAbort, { once: true })
  worker.on('message', (message: CopyMessage) => {
    if (message.t === 'progress') onProgress(message.progress)
    else if (message.t === 'copied') copied.push(message.file)
    else problem = message.problem
  })
  worker.on('error', (error: NodeJS.ErrnoException) => {
    problem ??= { kind: 'failed', file: basename(groups[0]?.[0]?.from ?? ''), detail: error.code ?? error.message.slice(0, 200) }
  })
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  signal?.removeEventListener('abort', onAbort)
  signal?.throwIfAborted()
  const wanted = groups.reduce((sum, group) => sum + group.length, 0)
  if (problem === null && copied.length < wanted)
    problem = { kind: 'failed', file: basename(groups[0]?.[0]?.from ?? ''), detail: 'ended early' }
  return problem === null ? { copied } : { problem }
}
