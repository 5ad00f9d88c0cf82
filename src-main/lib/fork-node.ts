/** A child of this Node process that speaks over a channel; what engine hosts and the reader of drivers have in common. */
import { fork } from 'node:child_process'

import { childProcessChannel } from '#contract/channel/child-process.ts'
import type { Channel } from '#contract/channel/channel.ts'

export interface ForkedNode {
  channel: Channel
  pid: number | null
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
  /** Called once; at once if the process has exited. Both null: it never started. */
  onExit(listener: (how: { code: number | null; signal: string | null }) => void): void
}

/** Throws what fork throws (no such program, too many processes). The child inherits our standard error and `env` alone. */
export function forkNode(entry: string, env: NodeJS.ProcessEnv): ForkedNode {
  const child = fork(entry, [], {
    execPath: process.execPath,
    execArgv: [],
    env,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exits = new Set<(how: { code: number | null; signal: string | null }) => void>()
  let ended: { code: number | null; signal: string | null } | null = null
  const end = (code: number | null, signal: string | null): void => {
    if (ended !== null) return
    ended = { code, signal }
    for (const listener of exits) listener(ended)
    exits.clear()
  }
  child.on('exit', end)
  // A child that never started has no exit event.
  child.on('error', () => {
    if (child.pid === undefined) end(null, null)
  })
  return {
    channel: childProcessChannel(child),
    pid: child.pid ?? null,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
    onExit: (listener) => (ended === null ? void exits.add(listener) : listener(ended)),
  }
}
