/** Sockets for hostile messages: opened anew as often as the other side closes them. */
import { once } from 'node:events'

import { WebSocket } from 'ws'

import type { SigningKey } from '#lib/ed25519.ts'

import { until } from '../support/until.ts'

/** True when everything sent so far was taken in, false when the other side closed instead. */
async function takenIn(socket: WebSocket): Promise<boolean> {
  if (socket.readyState !== WebSocket.OPEN) return false
  const over = new AbortController()
  const answered = Promise.race([
    once(socket, 'pong', { signal: over.signal }).then(() => true),
    once(socket, 'close', { signal: over.signal }).then(() => false),
  ])
  socket.ping()
  return answered.finally(() => over.abort())
}

/**
 * Sends every message in small bursts, each burst on a fresh connection when the last was closed. Returns how many
 * connections it took.
 */
export async function pelt(open: () => Promise<WebSocket>, messages: Iterable<string | Buffer>): Promise<number> {
  let connections = 0
  let sent = 0
  let socket: WebSocket | null = null
  for (const message of messages) {
    if (socket === null) {
      socket = await open()
      connections += 1
    }
    socket.send(message)
    sent += 1
    if (sent % 3 !== 0 && !(await takenIn(socket))) socket = null
  }
  socket?.terminate()
  return connections
}

/** An open socket; another try each time the server refuses it. */
export async function opened(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  let socket = new WebSocket(url, { headers })
  await until(`${url} to take a connection`, async () => {
    socket.on('error', () => undefined)
    if (await Promise.race([once(socket, 'open').then(() => true), once(socket, 'close').then(() => false)]))
      return true
    socket = new WebSocket(url, { headers })
    return false
  })
  return socket
}

/** A supplier through the handshake. */
export async function connectedSupplier(url: string, key: SigningKey): Promise<WebSocket> {
  let socket = new WebSocket(url)
  await until('the exchange to greet a supplier', async () => {
    socket.on('error', () => undefined)
    if (await greeted(socket, key)) return true
    socket.terminate()
    socket = new WebSocket(url)
    return false
  })
  return socket
}

/** Answers the challenge; resolves to true on the welcome, false on a close or refusal. */
function greeted(socket: WebSocket, key: SigningKey): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on('close', () => resolve(false))
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Record<string, string>
      if (frame['t'] === 'challenge') {
        const sig = key.sign(`stoker-supplier-v1\n${frame['nonce']}\n${frame['exchange']}\n${key.publicKey}`)
        socket.send(
          JSON.stringify({ t: 'hello', protocol: 1, supplier: key.publicKey, sig, name: 'hostile', client: 'test' }),
        )
      } else if (frame['t'] === 'welcome' || frame['t'] === 'refused') resolve(frame['t'] === 'welcome')
    })
  })
}
