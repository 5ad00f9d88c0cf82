/** Copies databases, in use or at rest, in a thread of its own: whoever calls goes on with what it does. */
import { basename } from 'node:path'

import type { CopyGroups, CopyOutcome, CopyProgress } from './copy-tasks.ts'
import { offThread } from './off-thread.ts'

export type { CopiedFile, CopyGroups, CopyProblem, CopyProgress, CopyTask } from './copy-tasks.ts'

export interface CopyOptions {
  groups: CopyGroups
  onProgress: (progress: CopyProgress) => void
  /** Ends the thread; its reason is thrown. What was written so far is the caller's to remove. */
  signal?: AbortSignal
}

/** Never throws for what a file or disk is to blame for. Throws the signal's reason. */
export async function copyDatabases({ groups, ...options }: CopyOptions): Promise<CopyOutcome> {
  try {
    return await offThread({ kind: 'copy', groups }, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    const { code, message } = error as NodeJS.ErrnoException
    const file = basename(groups[0]?.[0]?.from ?? '')
    return { problem: { kind: 'failed', file, detail: code ?? message.slice(0, 200) } }
  }
}
