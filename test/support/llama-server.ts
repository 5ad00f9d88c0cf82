/**
 * A real llama-server as an independent process, for tests of remote engines: the one STOKER_LLAMA_SERVER names, or the
 * one `npm run bench:reference` built.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'

import { NANO } from '#test/engine/engine-support.ts'

import { referencePaths } from '../../tools/bench/reference-path.ts'
import { until } from './until.ts'

/** Null where there is none; its suites are then skipped by name. */
export function llamaServerPath(): string | null {
  const given = process.env['STOKER_LLAMA_SERVER']
  if (given !== undefined && given !== '') return given
  const { server } = referencePaths()
  return existsSync(server) ? server : null
}

export interface LlamaServer {
  url: string
  host: string
  /** Stops it where it is, connections open, until `thaw`: what it was doing is then surely not over. */
  freeze(): void
  thaw(): void
  /** As the power going: no answer in flight ends well. */
  kill(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function healthy(url: string, child: ChildProcess): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`llama-server ended with ${child.exitCode}`)
    return (await fetch(`${url}/health`).catch(() => null))?.ok === true
  }
  await until('llama-server to be ready', isReady, 60_000)
}

/** The nano model in four slots of 512 tokens on one thread. */
export async function startLlamaServer({
  more = [],
  at,
}: { more?: readonly string[]; at?: number } = {}): Promise<LlamaServer> {
  const path = llamaServerPath()
  if (path === null)
    throw new Error('no llama-server: run `npm run bench:reference`, or name one in STOKER_LLAMA_SERVER')
  const port = at ?? (await freePort())
  const child = spawn(
    path,
    [
      '-m',
      NANO,
      '-np',
      '4',
      '-c',
      '2048',
      '-t',
      '1',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--alias',
      'nano',
      ...more,
    ],
    { stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  try {
    await healthy(url, child)
  } catch (error) {
    await kill()
    throw error
  }
  return {
    url,
    host: `127.0.0.1:${port}`,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
  }
}
