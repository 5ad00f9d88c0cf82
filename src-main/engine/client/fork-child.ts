/** Starts an engine host as a child of this Node process. In the desktop app the shell forks it instead. */
import { fileURLToPath } from 'node:url'

import { childEnvironment } from '#lib/child-environment.ts'
import { forkNode } from '#lib/fork-node.ts'

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
  return forkNode(entry, gpu === null ? passed : boundToGpu(passed, gpu))
}
