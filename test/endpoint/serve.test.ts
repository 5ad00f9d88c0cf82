import { connect, createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'

import { OpenAI } from 'openai'
import { expect, it } from 'vitest'

import { startRig, stoker } from '#test/support/rig.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const reached = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 })
    const end = (yes: boolean) => (): void => {
      socket.destroy()
      resolve(yes)
    }
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false))
  })

it('stoker serve listens for its owner on 127.0.0.1 alone, once told to, and not before (a port of its own would be everybody’s)', async () => {
  const port = await freePort()
  const rig = await startRig({ dir: tempDir(), args: ['--no-practice-buyer'] })
  try {
    const { app } = rig.client
    expect(await app.ownUse()).toMatchObject({ enabled: false, url: null, keyMadeAt: null })
    await app.setOwnUse({ port })
    expect(await reached('127.0.0.1', port)).toBe(false)
    const { key } = await app.ownUseKey()
    const url = `http://127.0.0.1:${port}/v1`
    const told = await stoker(['own-use', 'on', '--data', rig.dir, '--json'])
    expect(JSON.parse(told.stdout)).toMatchObject({ enabled: true, url, problem: null })

    const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 })
    // The bundled models are registered in the background.
    await expect.poll(async () => (await client.models.list()).data.length, { timeout: 30_000 }).toBeGreaterThan(0)
    await expect(new OpenAI({ baseURL: url, apiKey: `${key}x`, maxRetries: 0 }).models.list()).rejects.toMatchObject({
      status: 401,
    })
    const others = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ address }) => address !== '127.0.0.1').map(({ address }) => address),
    )
    for (const address of [...others, '127.0.0.2'])
      expect([address, await reached(address, port)]).toEqual([address, false])

    expect(await app.setOwnUse({ enabled: false })).toMatchObject({ url: null })
    expect(await reached('127.0.0.1', port)).toBe(false)
    await app.setOwnUse({ enabled: true })
  } finally {
    expect(await rig.stop()).toBe(0)
  }
  expect(await reached('127.0.0.1', port)).toBe(false)
}, 180_000)
