/** A pair of connected channels on each transport: real ones, but for Electron's port. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'

import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import { childProcessChannel } from '#contract/channel/child-process.ts'
import type { Channel } from '#contract/channel/channel.ts'
import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { webPortChannel, type WebPort } from '#contract/channel/web-port.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'
import { FakeMessagePortMain } from '#test/support/fake-message-port-main.ts'

export async function socketPair(): Promise<{ client: WebSocket; server: WebSocket }> {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(listener, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}`)
  onTestFinished(() => {
    client.terminate()
    listener.clients.forEach((one) => one.terminate())
    listener.close()
  })
  const [[server]] = await Promise.all([once(listener, 'connection') as Promise<[WebSocket]>, once(client, 'open')])
  return { client, server }
}

export function forkSample(mode: 'rpc' | 'echo' | 'burst'): ChildProcess {
  const child = fork(join(import.meta.dirname, 'sample-child.ts'), [mode], {
    execPath: process.execPath,
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Both ends in this process. */
export const pairs: Record<string, () => Promise<[Channel, Channel]>> = {
  'web MessagePort': async () => {
    const { port1, port2 } = new MessageChannel()
    onTestFinished(() => port1.close())
    return [webPortChannel(port1 as unknown as WebPort), webPortChannel(port2 as unknown as WebPort)]
  },
  MessagePortMain: async () => {
    const [one, two] = FakeMessagePortMain.pair()
    return [messagePortMainChannel(one), messagePortMainChannel(two)]
  },
  WebSocket: async () => {
    const { client, server } = await socketPair()
    return [webSocketChannel(client), webSocketChannel(server)]
  },
}

export const childChannel = (child: ChildProcess): Channel => childProcessChannel(child)
