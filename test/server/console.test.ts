import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'

import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { channelAsPort } from '#contract/channel/rpc.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'
import type { Contract } from '#contract/index.ts'
import { PAGE_HEADER } from '#contract/channel/page-secret.ts'
import { readCookie } from '#server/auth/guard.ts'
import { VENUE } from '#test/support/venue.ts'

import { login, openAsPage, send, stand, type Answer, type Stand } from './console-stand.ts'

let s: Stand
beforeEach(async () => {
  s = await stand()
})

describe('who may call', () => {
  const call = (headers: Record<string, string>): Promise<Answer> =>
    send(`${s.url}/rpc-http/app/onboarding`, 'POST', { 'content-type': 'application/json', ...headers }, '{}')

  it('lets the right token in without an Origin, over the header only', async () => {
    expect((await call({ authorization: `Bearer ${s.token}` })).status).toBe(200)
    expect(
      (
        await send(
          `${s.url}/rpc-http/app/onboarding?token=${s.token}`,
          'POST',
          { 'content-type': 'application/json' },
          '{}',
        )
      ).status,
    ).toBe(403)
    const { host } = new URL(s.url)
    expect(
      (await call({ cookie: `stoker_${readCookie('x=1', 'x')}=${s.token}`, origin: `http://${host}` })).status,
    ).toBe(401)
  })

  it.each([
    ['a wrong token', (): Record<string, string> => ({ authorization: 'Bearer wrong' }), 401],
    ['an empty token', (): Record<string, string> => ({ authorization: 'Bearer ' }), 401],
    ['another scheme', (): Record<string, string> => ({ authorization: `Basic ${s.token}` }), 401],
    [
      'the right token from a foreign page',
      (): Record<string, string> => ({ authorization: `Bearer ${s.token}`, origin: 'https://evil.example' }),
      403,
    ],
    ['an opaque origin', (): Record<string, string> => ({ authorization: `Bearer ${s.token}`, origin: 'null' }), 403],
    [
      'a foreign host',
      (): Record<string, string> => ({ authorization: `Bearer ${s.token}`, host: 'evil.example' }),
      421,
    ],
    [
      'the right name at another port',
      (): Record<string, string> => ({ authorization: `Bearer ${s.token}`, host: '127.0.0.1:1' }),
      421,
    ],
    ['nothing', (): Record<string, string> => ({}), 403],
  ])('refuses %s', async (_what, headers, status) => {
    expect((await call(headers())).status).toBe(status)
  })

  it('refuses a cookie without an exact Origin on anything that changes something', async () => {
    const { cookie, [PAGE_HEADER]: page } = await login(s)
    const { port } = new URL(s.url)
    const statuses: number[] = []
    for (const origin of [
      undefined,
      'https://evil.example',
      `http://127.0.0.1:${port}.evil.example`,
      `https://127.0.0.1:${port}`,
      s.url,
    ]) {
      statuses.push(
        (
          await send(
            `${s.url}/upload/model?name=a.gguf`,
            'POST',
            { cookie, [PAGE_HEADER]: page, ...(origin === undefined ? {} : { origin }) },
            'x',
          )
        ).status,
      )
    }
    expect(statuses).toEqual([403, 403, 403, 403, 200])
  })

  it('answers under each of its own names', async () => {
    const { port } = new URL(s.url)
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      expect((await send(`${s.url}/healthz`, 'GET', { host })).status).toBe(200)
  })

  it('sends no inline script permission and no framing with any answer, refusals included', async () => {
    for (const answer of [
      await send(`${s.url}/`, 'GET'),
      await send(`${s.url}/auth/sessions`, 'GET'),
      await send(`${s.url}/none`, 'GET'),
    ]) {
      const policy = String(answer.headers['content-security-policy'])
      expect(policy).toContain("script-src 'self';")
      expect(policy).toContain("frame-ancestors 'none'")
      expect([answer.headers['x-content-type-options'], answer.headers['referrer-policy']]).toEqual([
        'nosniff',
        'no-referrer',
      ])
    }
  })
})

describe('uploads over HTTP', () => {
  it('refuses a body over the bound with 413 and keeps nothing', async () => {
    const answer = await send(
      `${s.url}/upload/model?name=a.gguf`,
      'POST',
      { authorization: `Bearer ${s.token}` },
      'x'.repeat(1_001),
    )
    expect([answer.status, readdirSync(join(s.dir, 'models'))]).toEqual([413, []])
  })

  it('removes what an aborted upload left', async () => {
    const call = httpRequest(`${s.url}/upload/model?name=a.gguf`, {
      method: 'POST',
      headers: { authorization: `Bearer ${s.token}`, 'content-length': '900' },
    })
    call.on('error', () => undefined)
    call.write('x'.repeat(100))
    await expect.poll(() => readdirSync(join(s.dir, 'models')).length).toBe(1)
    call.destroy()
    await expect.poll(() => readdirSync(join(s.dir, 'models'))).toEqual([])
  })
})

describe('the contract over a WebSocket', () => {
  const open = (headers: Record<string, string>): WebSocket =>
    new WebSocket(`${s.url.replace('http', 'ws')}/rpc`, { headers })
  const refusal = async (headers: Record<string, string>): Promise<number> => {
    const [, response] = (await once(
      open(headers).on('error', () => undefined),
      'unexpected-response',
    )) as [unknown, import('node:http').IncomingMessage]
    response.resume()
    return response.statusCode ?? 0
  }
  const clientOf = async (socket: WebSocket): Promise<ContractRouterClient<Contract>> => {
    await once(socket, 'open')
    onTestFinished(() => socket.terminate())
    return createORPCClient(new RPCLink({ port: channelAsPort(webSocketChannel(socket), 'client') }))
  }

  it('ends a socket that answers no ping, and keeps one that does', async () => {
    const headers = { authorization: `Bearer ${s.token}` }
    const deaf = new WebSocket(`${s.url.replace('http', 'ws')}/rpc`, { headers, autoPong: false })
    await once(deaf, 'open')
    const alive = open(headers)
    const client = await clientOf(alive)
    const pinged = Promise.all([once(deaf, 'ping'), once(alive, 'ping')])
    await s.clock.advance(15_000)
    await pinged
    // The pong went before this call on the same socket.
    await client.app.onboarding()
    const closed = once(deaf, 'close')
    await s.clock.advance(15_000)
    await closed
    await expect(client.app.onboarding()).resolves.toMatchObject({ step: 'welcome' })
  })

  it('refuses before the handshake: no login, foreign Origin, missing Origin with a cookie, foreign Host', async () => {
    const { cookie } = await login(s)
    expect([
      await refusal({ origin: s.url }),
      await refusal({ cookie, origin: 'https://evil.example' }),
      await refusal({ cookie }),
      await refusal({ cookie, origin: s.url, host: 'evil.example' }),
      await refusal({ authorization: 'Bearer wrong' }),
    ]).toEqual([401, 403, 403, 421, 401])
  })

  it('carries calls, typed errors and streams that abort', async () => {
    const client = await clientOf(openAsPage(s, await login(s)))
    expect((await client.app.onboarding()).step).toBe('welcome')
    await expect(client.app.ledgerCheck({ venueId: VENUE })).rejects.toMatchObject({
      code: 'STOKER',
      data: { code: 'UNAVAILABLE' },
    })
    const events = await client.app.events()
    expect((await events.next()).value).toEqual({ topic: 'jobs', venueId: VENUE, version: 1 })
    await events.return?.()
    expect((await client.app.onboarding()).step).toBe('welcome')
  })

  it('closes when its session is revoked', async () => {
    const page = await login(s)
    const socket = openAsPage(s, page)
    const client = await clientOf(socket)
    await client.app.onboarding()
    const closed = once(socket, 'close')
    await send(`${s.url}/auth/logout`, 'POST', page)
    expect((await closed)[0]).toBe(4_401)
  })

  it.each(['', '{', '"', '[]', '"{}"', '"{\\"i\\":1,\\"p\\":{\\"u\\":5}}"', '"{\\"i\\":{},\\"t\\":99}"', '\u0000'])(
    'survives the frame %j',
    async (frame) => {
      const socket = open({ authorization: `Bearer ${s.token}` })
      await once(socket, 'open')
      const closed = once(socket, 'close')
      socket.send(frame)
      socket.close()
      await closed
      const client = await clientOf(open({ authorization: `Bearer ${s.token}` }))
      expect((await client.app.onboarding()).step).toBe('welcome')
    },
  )

  it('takes 128 open calls on a socket and closes it on one more; ended calls and streams are not counted', async () => {
    const socket = open({ authorization: `Bearer ${s.token}` })
    const client = await clientOf(socket)
    for (let call = 0; call < 130; call += 1) await client.app.onboarding()
    for (let stream = 0; stream < 130; stream += 1) {
      const events = await client.app.events()
      await events.next()
      await events.return?.()
    }
    const streams = await Promise.all(Array.from({ length: 128 }, () => client.app.events()))
    expect(await Promise.all(streams.map(async (events) => (await events.next()).done))).toEqual(
      streams.map(() => false),
    )
    const closed = once(socket, 'close')
    client.app.onboarding().catch(() => undefined)
    expect(String((await closed)[1])).toBe('too many calls at once')
  })

  it.each([
    ['a GET', { i: '1', p: { u: '/app/onboarding', m: 'GET' } }],
    ['a path to be decoded', { i: '1', p: { u: '/app/%6fnboarding', b: {} } }],
    ['an event for a call that takes no stream', { i: '1', t: 3, p: { e: 'message', d: {} } }],
  ])('closes on %s, as every other channel of the contract does', async (_what, message) => {
    const socket = open({ authorization: `Bearer ${s.token}` })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.send(JSON.stringify(JSON.stringify(message)))
    expect(String((await closed)[1])).toContain('well-formed')
  })

  it('closes a socket whose frame is over the bound', async () => {
    const socket = open({ authorization: `Bearer ${s.token}` })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.send('x'.repeat(4 * 2 ** 20 + 1))
    expect((await closed)[0]).toBe(1_009)
  })
})

describe('the page over the wire', () => {
  it('is asked for again and known by its tag, carries the policy, and comes compressed where that is taken', async () => {
    const built = join(s.dir, 'renderer')
    mkdirSync(join(built, 'assets'))
    writeFileSync(join(built, 'assets', 'index-AbCd1234.js'), 'plain')
    writeFileSync(join(built, 'assets', 'index-AbCd1234.js.br'), 'brotli')
    const page = await send(`${s.url}/`, 'GET')
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-cache'])
    const known = await send(`${s.url}/`, 'GET', { 'if-none-match': String(page.headers['etag']) })
    expect([known.status, known.body]).toEqual([304, ''])
    const asset = await send(`${s.url}/assets/index-AbCd1234.js`, 'GET', { 'accept-encoding': 'gzip, br' })
    expect([asset.body, asset.headers['content-encoding'], asset.headers['cache-control']]).toEqual([
      'brotli',
      'br',
      'public, max-age=31536000, immutable',
    ])
    for (const { headers } of [page, known, asset])
      expect(headers['content-security-policy']).toContain("script-src 'self'; ")
    expect((await send(`${s.url}/auth/state`, 'GET')).headers['cache-control']).toBe('no-store')
  })
})
