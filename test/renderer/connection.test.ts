import { describe, expect, it } from 'vitest'

import { RPCHandler } from '@orpc/server/message-port'

import type { Channel } from '#contract/channel/channel.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import { webPortChannel } from '#contract/channel/web-port.ts'
import { createFakeCore } from '#test/support/fake-core.ts'

import {
  createCoreConnection,
  type CoreConnection,
  type ConnectionState,
} from '../../src-renderer/connection/core-connection.ts'
import { VENUE } from '#test/support/venue.ts'

/** A core on the other end of a MessageChannel; `drop` cuts the newest one. */
function fakeDoor(hashes: string[]) {
  const open: Channel[] = []
  return {
    drop: () => open.at(-1)?.close('cut'),
    async openChannel(): Promise<Channel<string, string>> {
      const { port1, port2 } = new MessageChannel()
      const far = webPortChannel(port2)
      open.push(far)
      new RPCHandler(
        createFakeCore({ scenario: 'busy', contractHash: hashes[Math.min(open.length, hashes.length) - 1] ?? 'a' }),
      ).upgrade(channelAsPort(far, 'server'), {})
      return webPortChannel<string, string>(port1)
    },
  }
}

const reached = (connection: CoreConnection, kind: ConnectionState['kind']): Promise<ConnectionState> =>
  new Promise((resolve) => {
    const look = (): void => {
      const state = connection.state.get()
      if (state.kind === kind) {
        stop()
        resolve(state)
      }
    }
    const stop = connection.state.subscribe(look)
    look()
  })

describe('the connection', () => {
  it('a call made before the channel is open waits for it, and a cut is repaired by itself', async () => {
    const door = fakeDoor(['a'])
    const connection = createCoreConnection(door.openChannel)
    const early = connection.client.market.listings({ venueId: VENUE })
    const stop = connection.start()
    expect((await early)[0]?.state).toBe('listed')
    await reached(connection, 'online')
    door.drop()
    await reached(connection, 'offline')
    expect(await reached(connection, 'online')).toMatchObject({ epoch: 2 })
    expect((await connection.client.app.settings()).rigName).toBe('workshop-pc')
    stop()
  })

  it('a core with another contract asks for a reload instead of misreading it', async () => {
    const door = fakeDoor(['old', 'new'])
    const connection = createCoreConnection(door.openChannel)
    const stop = connection.start()
    await reached(connection, 'online')
    door.drop()
    expect((await reached(connection, 'reload')).kind).toBe('reload')
    stop()
  })

  it('without a session it says login and does not hammer the server', async () => {
    let tries = 0
    const connection = createCoreConnection(async () => {
      tries += 1
      return 'login'
    })
    const stop = connection.start()
    await reached(connection, 'login')
    expect(tries).toBe(1)
    stop()
  })

  it('typed errors of the core arrive with their own words', async () => {
    const door = fakeDoor(['a'])
    const connection = createCoreConnection(door.openChannel)
    const stop = connection.start()
    await expect(connection.client.models.inspect({ path: '/x.txt' })).rejects.toMatchObject({
      code: 'STOKER',
      message: expect.stringContaining('not a GGUF'),
      data: { code: 'MODEL_NOT_GGUF' },
    })
    stop()
  })
})
