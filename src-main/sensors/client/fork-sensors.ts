/** Starts the child that reads drivers as a child of this Node process. In the desktop app the shell forks it instead. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { childProcessChannel } from '#contract/channel/child-process.ts'
import { childEnvironment } from '#lib/child-environment.ts'

import type { ForkedSensors } from './sensors-client.ts'

/** Throws what fork throws. The child inherits our standard error. */
export function forkSensors(): ForkedSensors {
  const child = fork(fileURLToPath(new URL('../sensors-entry.ts', import.meta.url)), [], {
    execPath: process.execPath,
    execArgv: [],
    env: childEnvironment('sensors', process.env),
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
