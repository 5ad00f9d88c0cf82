/** How a process ends that cannot go on: in words where there are some, and with the exit code of its reason. */
import { inspect } from 'node:util'

import { inDiskWords } from './disk-failure.ts'
import { EXITS, exitOf, statedEnd, type StatedEnd } from './exit-codes.ts'

export interface LastWords {
  /** To the parent; calls `then` when that has it, or cannot have it. */
  tell?: (stated: StatedEnd, then: () => void) => void
  say?: (line: string) => void
  exit?: (code: number) => void
}

const onStandardError = (line: string): void => void process.stderr.write(`${line}\n`)
const toParent = (stated: StatedEnd, then: () => void): void => {
  if (process.send === undefined || !process.connected) return then()
  process.send(stated, undefined, undefined, then)
}

/** A fault of Stoker itself shows where it happened; a reason that is stated is one sentence. */
export function endInWords(
  error: unknown,
  { tell = toParent, say = onStandardError, exit = (code) => process.exit(code) }: LastWords = {},
): void {
  const known = inDiskWords(error)
  const stated = statedEnd(known)
  say(stated?.error.message ?? inspect(error))
  if (stated === null) exit(EXITS.failed.exit)
  else tell(stated, () => exit(exitOf(known)))
}

/** From now on whatever nobody caught ends this process so. */
export const installLastWords = (words: LastWords = {}): void =>
  void process.on('uncaughtException', (error) => endInWords(error, words))
