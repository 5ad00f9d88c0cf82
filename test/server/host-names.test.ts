import { once } from 'node:events'
import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { allowedNames, isLoopback, shownHost } from '#lib/host-names.ts'
import { createLog } from '#lib/log.ts'
import { startExchange } from '#exchange-server/exchange.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const own = Object.values(networkInterfaces()).flatMap((list) =>
  (list ?? []).map(({ address }) => (address.includes(':') ? `[${address}]` : address)),
)

describe('names of a listener', () => {
  it.each([
    ['127.0.0.1', [], ['127.0.0.1', 'localhost', '[::1]'], '127.0.0.1'],
    ['::1', ['Rig.LAN'], ['127.0.0.1', 'localhost', '[::1]', 'rig.lan'], '[::1]'],
    ['192.0.2.7', [], ['127.0.0.1', 'localhost', '[::1]', '192.0.2.7'], '192.0.2.7'],
  ])('%s with %j', (host, extra, names, shown) => {
    expect([allowedNames(host, extra), shownHost(host)]).toEqual([names, shown])
  })

  it.each(['0.0.0.0', '::'])(
    '%s answers to every address of the machine, and is shown as one that can be opened',
    (host) => {
      expect(allowedNames(host)).toEqual(expect.arrayContaining(own))
      expect([shownHost(host), isLoopback(host)]).toEqual(['127.0.0.1', false])
    },
  )
})

it('an exchange on every address answers under each of them, to no other name, and prints one that can be opened', async () => {
  const log = createLog('test')
  log.level = 'silent'
  const exchange = await startExchange({ dir: join(tempDir(), 'exchange'), host: '0.0.0.0', log })
  onTestFinished(() => exchange.stop())
  const { hostname, port } = new URL(exchange.url)
  const statusFor = async (name: string): Promise<number> => {
    const call = request(`${exchange.url}/health`, { headers: { host: `${name}:${port}` } }).end()
    const [response] = (await once(call, 'response')) as [import('node:http').IncomingMessage]
    response.resume()
    return response.statusCode ?? 0
  }
  expect(hostname).toBe('127.0.0.1')
  expect(await Promise.all([...own, 'localhost'].map(statusFor))).toEqual([...own, 'localhost'].map(() => 200))
  expect(await statusFor('evil.example')).toBe(403)
})
