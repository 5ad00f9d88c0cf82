import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'
import { FakeMessagePortMain } from '#test/support/fake-message-port-main.ts'

import { serveSample, type SampleClient } from './sample.ts'
import { socketPair } from './transports.ts'

/** Messages that are nearly calls, and anything else. */
const call = { i: '1', p: { u: '/add', b: { json: { a: 1, b: 2 } } } }
const odd = fc.oneof(
  fc.jsonValue(),
  fc.string(),
  fc.constantFrom('/add', '/never', '//', '/%ff', '/__proto__/x', '/toString', 'http://x', 1, 3, 4, {}, null),
)
const frame = fc.oneof(
  fc.jsonValue(),
  fc.string(),
  fc
    .record(
      { i: odd, t: odd, p: fc.oneof(odd, fc.record({ u: odd, m: odd, h: odd, b: odd }, { requiredKeys: [] })) },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
  fc
    .record({
      u: odd,
      b: odd,
      h: fc.constantFrom(
        { 'content-type': 'text/event-stream' },
        { 'content-type': 'multipart/form-data; boundary=x' },
      ),
    })
    .map((p) => JSON.stringify({ i: 'x', p })),
)

describe('calls over a channel', () => {
  it('survives any message on either side: refused by closing, or answered, never thrown (a console that ends the core)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 5 }), fc.boolean(), async (frames, toServer) => {
        const [one, two] = FakeMessagePortMain.pair()
        const [near, far] = [messagePortMainChannel(one), messagePortMainChannel(two)]
        if (toServer) serveSample(far)
        else createORPCClient<SampleClient>(new RPCLink({ port: channelAsPort(far, 'client') }))
        const outcome = new Promise<string>((resolve) => {
          near.onMessage((text) => {
            if (JSON.parse(text as string).i === 'last') resolve('answered')
          })
          near.onClose(() => resolve('closed'))
        })
        frames.forEach((value) => near.send(value))
        near.send(toServer ? JSON.stringify({ ...call, i: 'last' }) : 'end')
        expect(['answered', 'closed']).toContain(await outcome)
        near.close()
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['another method than POST', { ...call, p: { ...call.p, m: 'GET' } }],
    ['a path to be decoded', { ...call, p: { ...call.p, u: '/%61dd' } }],
    ['a foreign address', { ...call, p: { ...call.p, u: 'http://example.com/add' } }],
    ['a stream as input', { i: '1', t: 3, p: { e: 'message', d: 1 } }],
    ['no payload', { i: '1' }],
    ['a number as id', { ...call, i: 1 }],
  ])('closes on %s', async (_name, message) => {
    const [one, two] = FakeMessagePortMain.pair()
    const [near, far] = [messagePortMainChannel(one), messagePortMainChannel(two)]
    serveSample(far)
    near.send(JSON.stringify(message))
    expect(await new Promise((resolve) => far.onClose(resolve))).toMatch(/well-formed/)
    near.close()
  })

  it('closes with a reason when an answer is too long for the channel, instead of leaving the call open for ever', async () => {
    const { client, server } = await socketPair()
    serveSample(webSocketChannel(server, { maxLength: 100_000 }))
    const near = webSocketChannel(client)
    const sample = createORPCClient<SampleClient>(new RPCLink({ port: channelAsPort(near, 'client') }))
    expect(await sample.echo('x'.repeat(10))).toHaveLength(10)
    const reason = new Promise((resolve) => near.onClose(resolve))
    await expect(sample.swell({ length: 100_000 })).rejects.toThrow(/closed or aborted/)
    expect(await reason).toContain('100000 characters')
  })

  it('rejects a call given to a link whose channel was closed before', async () => {
    const [one] = FakeMessagePortMain.pair()
    const near = messagePortMainChannel(one)
    const sample = createORPCClient<SampleClient>(new RPCLink({ port: channelAsPort(near, 'client') }))
    near.close()
    await expect(sample.add({ a: 1, b: 2 })).rejects.toMatchObject({ name: 'ChannelClosedError' })
  })
})
