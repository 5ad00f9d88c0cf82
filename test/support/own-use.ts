/**
 * Stoker's own endpoint before the nano model in a process of its own (own-use-process.ts): what `npm start` offers on
 * another machine.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface OwnUseProcess {
  url: string
  end(): Promise<void>
}

/** Two slots of 192 tokens, under the name `nano`. Error when it ends before it listens. */
export async function startOwnUseProcess(key: string): Promise<OwnUseProcess> {
  const entry = fileURLToPath(new URL('own-use-process.ts', import.meta.url))
  const child = fork(entry, [key], {
    execPath: process.execPath,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const [message] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`it ended with ${code}`)
    }),
  ])) as [{ url: string }]
  return {
    url: message.url,
    async end() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
