import { createORPCClient, ORPCError } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { describe, expect, it } from 'vitest'

import type { Channel } from '#contract/channel/channel.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'

import { Endings, serveSample, type SampleClient } from './sample.ts'
import { childChannel, forkSample, pairs } from './transports.ts'

/**
 * A client whose server ends are gathered per transport; `again` connects a second client to the same server where
 * there is one.
 */
interface Setup {
  client: SampleClient
  channel: Channel
  endings: Endings | null
}

const clientOf = (channel: Channel): SampleClient =>
  createORPCClient(new RPCLink({ port: channelAsPort(channel, 'client') }))
/** What a call under way ends with. */
const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ unexpected: value }),
    (error: unknown) => error,
  )
const setups: Record<string, () => Promise<Setup>> = {
  ...Object.fromEntries(
    Object.entries(pairs).map(([name, pair]) => [
      name,
      async () => {
        const [near, far] = await pair()
        const endings = new Endings()
        serveSample(far, endings)
        return { client: clientOf(near), channel: near, endings }
      },
    ]),
  ),
  'child-process IPC': async () => {
    const channel = childChannel(forkSample('rpc'))
    return { client: clientOf(channel), channel, endings: null }
  },
}

describe.each(Object.entries(setups))('the contract over %s', (_name, setup) => {
  it('gives a typed result, and many at once each its own', async () => {
    const { client } = await setup()
    const sum: number = await client.add({ a: 2, b: 40 })
    expect(sum).toBe(42)
    expect(await Promise.all(Array.from({ length: 100 }, (_, n) => client.add({ a: n, b: 1 })))).toEqual(
      Array.from({ length: 100 }, (_, n) => n + 1),
    )
  })

  it('rejects invalid input and a wrong answer of the server itself, with the inner detail kept in', async () => {
    const { client } = await setup()
    await expect(client.add({ a: 'two' as unknown as number, b: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(client.fail({ kind: 'output' })).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    const unexpected: unknown = await client.fail({ kind: 'unexpected' }).catch((error: unknown) => error)
    expect(unexpected).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
    expect(JSON.stringify(unexpected) + String(unexpected)).not.toContain('secret')
  })

  it('carries a named error with code and data, from a call and from within a stream', async () => {
    const { client } = await setup()
    const error: unknown = await client.fail({ kind: 'expected' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ORPCError)
    expect(error).toMatchObject({
      code: 'STOKER',
      defined: true,
      message: expect.stringContaining('locked') as unknown,
      data: {
        code: 'DATA_LOCKED',
        reason: { code: 'db.locked', params: { folder: '/data', who: 'another Stoker' } },
        data: { pid: 7 },
      },
    })
    const seen: number[] = []
    const read = async () => {
      for await (const n of await client.broken()) seen.push(n)
    }
    await expect(read()).rejects.toMatchObject({ code: 'STOKER', data: { code: 'ENGINE_CRASHED' } })
    expect(seen).toEqual([1])
  })

  it('streams events in order to their end', async () => {
    const { client } = await setup()
    const seen: number[] = []
    for await (const n of await client.count({ to: 500 })) seen.push(n)
    expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => n + 1))
  })

  it('tells the server when a stream is left, by return and by signal, and a call by signal (a subscription that leaks)', async () => {
    const { client } = await setup()
    for await (const word of await client.watch()) {
      expect(word).toBe('begun')
      break
    }
    expect(await client.ended({ count: 1 })).toBe(1)
    const leaving = new AbortController()
    const stream = await client.watch(undefined, { signal: leaving.signal })
    await stream.next()
    leaving.abort()
    expect(await client.ended({ count: 2 })).toBe(2)
    const giveUp = new AbortController()
    const call = client.never(undefined, { signal: giveUp.signal })
    const outcome = failure(call)
    await client.add({ a: 1, b: 1 })
    giveUp.abort()
    expect(await outcome).toMatchObject({ name: 'AbortError' })
    expect(await client.ended({ count: 3 })).toBe(3)
  })

  it('carries a large text unharmed, whatever its characters', async () => {
    const { client } = await setup()
    const text = 'aé🌍\u2028"\\\n\0'.repeat(60_000)
    expect(await client.echo(text)).toBe(text)
  })

  it('rejects what is under way when the channel closes, refuses what comes later, and stops the server', async () => {
    const { client, channel, endings } = await setup()
    const stream = await client.watch()
    await stream.next()
    const outcomes = [failure(stream.next()), failure(client.never())]
    await client.add({ a: 1, b: 1 })
    channel.close('test')
    expect(await Promise.all(outcomes)).toMatchObject([{ name: 'AbortError' }, { name: 'AbortError' }])
    await expect(client.add({ a: 1, b: 1 })).rejects.toMatchObject({ name: 'ChannelClosedError' })
    // A forked server cannot be asked any more; channel.test.ts shows that it ends.
    expect(await (endings?.reached(2) ?? 2)).toBe(2)
  })
})
