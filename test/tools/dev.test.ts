/**
 * `npm run dev` where there is no window: one line says why, and the real core runs behind the screens from their
 * sources.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { channelAsPort } from '#contract/channel/rpc.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'
import type { Contract } from '#contract/index.ts'
import { pageFrame } from '#contract/channel/page-secret.ts'
import { processes } from '#test/support/processes.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const LINK = /(http:\/\/127\.0\.0\.1:\d+)\/#code=([\w-]+)/

it(
  'without Electron says why in one line, serves the sources over the real core, and ends it on a signal',
  { timeout: 120_000 },
  async () => {
    const data = tempDir()
    const child = spawn(process.execPath, [`${ROOT}/tools/dev/start-dev.ts`, '--data', data, '--no-practice-buyer'], {
      cwd: ROOT,
      env: { ...process.env, STOKER_UI: 'headless', STOKER_LOG: 'error' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')))
    const exit = once(child, 'exit')
    onTestFinished(async () => {
      child.kill('SIGTERM')
      await exit
    })
    let said = ''
    const [, page = '', code = ''] = await new Promise<RegExpExecArray>((found, fail) => {
      void exit.then(([status]) => fail(new Error(`npm run dev ended with ${status}:\n${errors}`)))
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8')
        const link = LINK.exec(said)
        if (link !== null) found(link)
      })
    })
    expect(errors.trim().split('\n')).toEqual([
      expect.stringMatching(/^No Electron window: STOKER_UI is headless\. The same console opens in the browser/),
    ])
    expect(await (await fetch(page)).text()).toContain('/@vite/client')
    const login = await fetch(`${page}/auth/login`, {
      method: 'POST',
      headers: { origin: page, 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    })
    expect(login.status).toBe(200)
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
    const { page: secret } = (await login.json()) as { page: string }
    const socket = new WebSocket(`${page.replace('http', 'ws')}/rpc`, { origin: page, headers: { cookie } })
    await once(socket, 'open')
    socket.send(pageFrame(secret))
    const client: ContractRouterClient<Contract> = createORPCClient(
      new RPCLink({ port: channelAsPort(webSocketChannel(socket), 'client') }),
    )
    expect((await client.app.hello()).mode).toBe('headless')
    child.kill('SIGTERM')
    expect(await exit, 'ended by the signal, as shells count it').toEqual([143, null])
    expect(processes().filter(({ command }) => command.includes(data))).toEqual([])
  },
)
