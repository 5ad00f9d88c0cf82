/** What goes wrong with one open file: in words, and remembered. */
import type { Statement } from 'better-sqlite3'

import { StokerError } from '#contract/errors.ts'

import { asStokerError } from './sqlite-failure.ts'

/** Failures of one file in words, and the last of them remembered. */
export interface FileFailures {
  /** The same statement; a failure of the disk or the file is remembered and thrown in words. */
  watch(statement: Statement): Statement
  /** Called in a microtask, since a failure is met inside a transaction, and those are synchronous. */
  onTrouble(listener: (trouble: StokerError) => void): () => void
  /** A write came through. */
  wrote(): void
  trouble(): StokerError | null
}

export function failuresOf(path: string): FileFailures {
  let damage: StokerError | null = null
  let unwritten: StokerError | null = null
  const listeners = new Set<(trouble: StokerError) => void>()
  const run = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      const known = asStokerError(error, path)
      if (known instanceof StokerError && known !== error) {
        if (known.code === 'DB_CORRUPT') damage ??= known
        else unwritten = known
        queueMicrotask(() => {
          for (const listener of listeners) listener(known)
        })
      }
      throw known
    }
  }
  return {
    watch(statement) {
      const get = statement.get.bind(statement)
      const all = statement.all.bind(statement)
      const write = statement.run.bind(statement)
      return Object.assign(statement, {
        get: (...params: unknown[]) => run(() => get(...params)),
        all: (...params: unknown[]) => run(() => all(...params)),
        run: (...params: unknown[]) => run(() => write(...params)),
      })
    },
    onTrouble(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    wrote: () => (unwritten = null),
    trouble: () => damage ?? unwritten,
  }
}
