/** Starts an engine host as a child of this Node process. In the desktop app the shell forks it instead. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { childProcessChannel } from '#contract/channel/child-process.ts'
import { childEnvironment } from '#lib/child-environment.ts'

import type { ForkedHost } from './engine-client.ts'
import { boundToGpu } from './gpu-environment.ts'

export interface ForkOptions {
  /** The host's entry file; the built .js file when bundled. */
  entry?: string
  /**
   * The only GPU the child may see, counted from 0 among those this process sees; all of them when null or left out.
   */
  gpu?: number | null
}

/** Throws what fork throws (no such program, too many processes). The child inherits our standard error. */
export function forkEngineChild({
  entry = fileURLToPath(new URL('../host/engine-host-entry.ts', import.meta.url)),
  gpu = null,
}: ForkOptions = {}): ForkedHost {
  const passed = childEnvironment('engine', process.env)
  const env = gpu === null ? passed : boundToGpu(passed, gpu)
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
