/** llama-server as the benchmark runs it: as many slots as Stoker, its defaults for everything else but the threads. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'

import { freePort, type Side, type SideOptions } from './side.ts'

const START_MS = 120_000
const POLL_MS = 50

/** `threads` null leaves the choice to it. */
export function llamaFlags({ slots, contextTokens, gpu }: SideOptions, threads: number | null): string[] {
  return [
    '-np',
    String(slots),
    '-c',
    String(slots * contextTokens),
    ...(threads === null ? [] : ['-t', String(threads)]),
    ...(gpu ? ['-ngl', '999'] : []),
  ]
}

export async function startLlama(path: string, options: SideOptions, threads: number | null): Promise<Side> {
  const port = await freePort()
  const flags = llamaFlags(options, threads)
  const child = spawn(path, ['-m', options.file, '--host', '127.0.0.1', '--port', String(port), ...flags], {
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  const healthy = async (): Promise<boolean> => {
    try {
      return (await fetch(`${url}/health`)).ok
    } catch {
      return false
    }
  }
  for (let waited = 0; !(await healthy()); waited += POLL_MS) {
    if (child.exitCode !== null || waited > START_MS) {
      child.kill('SIGKILL')
      throw new Error(`llama-server did not start (${path} -m ${options.file} ${flags.join(' ')})`)
    }
    await wait(POLL_MS)
  }
  return {
    url,
    key: null,
    model: 'reference',
    pid: child.pid!,
    settings: flags.join(' '),
    async stop() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
