/** Starts the child that reads drivers as a child of this Node process. In the desktop app the shell forks it instead. */
import { fileURLToPath } from 'node:url'

import { childEnvironment } from '#lib/child-environment.ts'
import { forkNode } from '#lib/fork-node.ts'

import type { ForkedSensors } from './sensors-client.ts'

/** Throws what fork throws. The child inherits our standard error. */
export const forkSensors = (): ForkedSensors =>
  forkNode(fileURLToPath(new URL('../sensors-entry.ts', import.meta.url)), childEnvironment('sensors', process.env))
