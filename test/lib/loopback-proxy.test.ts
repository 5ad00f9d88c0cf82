/** Catches: a proxy variable with a dead proxy that puts our own console out of reach (rig case 15). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

import { describe, expect, it, onTestFinished } from 'vitest'

import { neverProxyLoopback } from '#lib/loopback-proxy.ts'

const MODULE = JSON.stringify(resolve(import.meta.dirname, '../../src-main/lib/loopback-proxy.ts'))

/** Port 9 of this machine: nobody answers there. */
const DEAD = 'http://127.0.0.1:9'
const PROXIED = {
  ...process.env,
  NODE_USE_ENV_PROXY: '1',
  HTTP_PROXY: DEAD,
  HTTPS_PROXY: DEAD,
  NO_PROXY: undefined,
  no_proxy: undefined,
}

async function fetched(host: string, port: number, first: string): Promise<string> {
  const source = `import { neverProxyLoopback } from ${MODULE}
    ${first}
    const said = await fetch('http://${host}:${port}/').then((response) => response.text(), () => 'not reached')
    console.log(said)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    env: PROXIED,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return (await text(child.stdout)).trim()
}

describe('loopback', () => {
  it('is reached although a proxy that is dead stands in the environment', async () => {
    const server = createServer((_request, response) => void response.end('here')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    // Without it the proxy is asked: the test would show nothing on a Node that ignores the variables.
    expect(await fetched('127.0.0.1', port, '')).toBe('not reached')
    expect(await fetched('127.0.0.1', port, 'neverProxyLoopback()')).toBe('here')
    expect(await fetched('localhost', port, 'neverProxyLoopback()')).toBe('here')
  })

  it('is added to the names that the owner gave, once', () => {
    const env: NodeJS.ProcessEnv = { NO_PROXY: 'example.org, 127.0.0.1' }
    neverProxyLoopback(env)
    neverProxyLoopback(env)
    expect(env).toEqual({
      NO_PROXY: 'example.org,127.0.0.1,localhost,[::1],::1',
      no_proxy: 'example.org,127.0.0.1,localhost,[::1],::1',
    })
  })
})
