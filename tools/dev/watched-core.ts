/** `stoker serve` from its sources, started again whenever a file of src-main changes. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { z } from 'zod'

import { ROOT } from './page-server.ts'

/** What `stoker serve --json` prints; of the link only the login code is wanted. */
const served = z.object({ link: z.string().regex(/#code=[A-Za-z0-9_-]+$/) })

export interface DevCore {
  /** Ends the core; resolves when it is gone. */
  stop(): Promise<void>
}

export interface WatchedCoreOptions {
  readonly port: number
  /** Host and port of the page that talks to it. */
  readonly pageHost: string
  /** Further arguments of `stoker serve`. */
  readonly args: readonly string[]
  /** A login code, after every start. */
  readonly onCode: (code: string) => void
  /** The watcher itself ended, which it does not do while it can start the core again. */
  readonly onEnd: () => void
}

/** A port that is free now. It stays the same over restarts, so that open pages find the core again. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export function watchCore({ port, pageHost, args, onCode, onEnd }: WatchedCoreOptions): DevCore {
  const node = [
    '--watch',
    '--watch-preserve-output',
    `--watch-path=${join(ROOT, 'src-main')}`,
    '--max-semi-space-size=8',
  ]
  const serve = [
    join(ROOT, 'src-main/cli/main.ts'),
    'serve',
    '--json',
    '--port',
    String(port),
    '--allow-host',
    pageHost,
    '--data',
    join(ROOT, '.stoker/dev'),
    ...args,
  ]
  const child: ChildProcess = spawn(process.execPath, [...node, ...serve], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const parsed = served.safeParse(line.startsWith('{') ? JSON.parse(line) : null)
    if (parsed.success) onCode(parsed.data.link.split('#code=')[1] ?? '')
    else process.stderr.write(`${line}\n`)
  })
  child.once('exit', onEnd)
  return {
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.off('exit', onEnd)
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}
