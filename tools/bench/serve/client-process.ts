/** Starts the load client and gives it runs. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { LoadAnswer, LoadRun } from './load-types.ts'

export interface LoadClient {
  run(run: LoadRun): Promise<LoadAnswer[]>
  stop(): void
}

export function startClient(): LoadClient {
  const child = fork(fileURLToPath(new URL('./load-client.ts', import.meta.url)), { serialization: 'advanced' })
  return {
    async run(run) {
      child.send(run)
      const [answers] = (await once(child, 'message')) as [LoadAnswer[]]
      return answers
    },
    stop: () => child.disconnect(),
  }
}
