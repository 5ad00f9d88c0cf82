import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { PAGE_HEADER, pageFrame } from '#contract/channel/page-secret.ts'
import { CODE_LIFE_MS } from '#server/auth/login-codes.ts'
import { until } from '#test/support/until.ts'

import { codeOf, login, openAsPage, send, stand, tryLogin, type Stand } from './console-stand.ts'

let s: Stand
beforeEach(async () => {
  s = await stand()
})

describe('login', () => {
  it('turns a code into a cookie that scripts cannot read and other sites cannot send, and that is not the token', async () => {
    const answer = await send(
      `${s.url}/auth/login`,
      'POST',
      { origin: s.url },
      JSON.stringify({ code: codeOf(s.console.link()) }),
    )
    const cookie = String(answer.headers['set-cookie'])
    expect(answer.status).toBe(200)
    expect(cookie).toMatch(/^stoker_[0-9a-z]{12}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/)
    expect(cookie).not.toContain(s.token)
    const { page } = JSON.parse(answer.body) as { page: string }
    expect(page).toMatch(/^[\w-]{43}$/)
    expect(cookie).not.toContain(page)
    const state = (heads: Record<string, string>): Promise<unknown> =>
      send(`${s.url}/auth/state`, 'GET', { cookie: cookie.split(';')[0]!, ...heads }).then(({ body }) =>
        JSON.parse(body),
      )
    expect(await state({ [PAGE_HEADER]: page })).toEqual({ loggedIn: true, by: 'session' })
    expect(await state({})).toEqual({ loggedIn: false, by: null })
  })

  it('refuses a code the second time', async () => {
    const body = JSON.stringify({ code: codeOf(s.console.link()) })
    const statuses = [
      await send(`${s.url}/auth/login`, 'POST', { origin: s.url }, body),
      await send(`${s.url}/auth/login`, 'POST', { origin: s.url }, body),
    ].map((a) => a.status)
    expect(statuses).toEqual([200, 401])
  })

  it('refuses a code after ten minutes', async () => {
    const code = codeOf(s.console.link())
    s.clock.jump(CODE_LIFE_MS)
    expect((await send(`${s.url}/auth/login`, 'POST', { origin: s.url }, JSON.stringify({ code }))).status).toBe(401)
  })

  it('refuses a login that another site, or nobody, sends', async () => {
    const body = JSON.stringify({ code: codeOf(s.console.link()) })
    expect((await send(`${s.url}/auth/login`, 'POST', { origin: 'https://evil.example' }, body)).status).toBe(403)
    expect((await send(`${s.url}/auth/login`, 'POST', {}, body)).status).toBe(403)
  })

  it('a right code opens however many wrong ones came before; those are told to stop', async () => {
    const statuses: number[] = []
    for (let attempt = 0; attempt < 11; attempt += 1) statuses.push((await tryLogin(s, 'guess')).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429])
    expect((await tryLogin(s, codeOf(s.console.link()))).status).toBe(200)
    s.clock.jump(6_000)
    expect([(await tryLogin(s, 'guess')).status, (await tryLogin(s, 'guess')).status]).toEqual([401, 429])
  })

  it('ends a session at logout', async () => {
    const page = await login(s)
    expect((await send(`${s.url}/auth/logout`, 'POST', page)).status).toBe(200)
    expect((await send(`${s.url}/auth/sessions`, 'GET', page)).status).toBe(401)
  })

  it('lists sessions without their cookies and revokes one', async () => {
    const [first, second] = [await login(s), await login(s)]
    const listed = JSON.parse((await send(`${s.url}/auth/sessions`, 'GET', first)).body) as {
      sessions: { id: string; current: boolean }[]
    }
    const other = listed.sessions.find((session) => !session.current)!
    expect((await send(`${s.url}/auth/sessions/${other.id}`, 'DELETE', first)).status).toBe(200)
    expect([
      (await send(`${s.url}/auth/sessions`, 'GET', first)).status,
      (await send(`${s.url}/auth/sessions`, 'GET', second)).status,
    ]).toEqual([200, 401])
  })

  it('makes a link for the token and not for a session (a stolen page must not breed logins)', async () => {
    expect((await send(`${s.url}/auth/link`, 'POST', await login(s))).status).toBe(403)
    const made = await send(`${s.url}/auth/link`, 'POST', { authorization: `Bearer ${s.token}` })
    expect(JSON.parse(made.body)).toEqual({ link: expect.stringMatching(/#code=[\w-]{32}$/) })
  })
})

describe('a cookie that another port of this host collected', () => {
  it('opens nothing: no list, no upload, no logout, whatever Origin it comes with', async () => {
    const { cookie, origin, [PAGE_HEADER]: page } = await login(s)
    for (const heads of [
      { cookie, origin },
      { cookie, origin, [PAGE_HEADER]: 'A'.repeat(43) },
    ]) {
      expect([
        (await send(`${s.url}/auth/sessions`, 'GET', heads)).status,
        (await send(`${s.url}/upload/model?name=a.gguf`, 'POST', heads, 'x')).status,
        (await send(`${s.url}/auth/logout`, 'POST', heads)).status,
      ]).toEqual([401, 401, 401])
    }
    // The page's secret alone is nothing either, nor with another session's cookie.
    const other = await login(s)
    expect([
      (await send(`${s.url}/auth/sessions`, 'GET', { origin, [PAGE_HEADER]: page })).status,
      (await send(`${s.url}/auth/sessions`, 'GET', { cookie: other.cookie, origin, [PAGE_HEADER]: page })).status,
    ]).toEqual([401, 401])
  })

  it.each([
    ['no message but a call', (): string => JSON.stringify(JSON.stringify({ i: '1', p: { u: '/app/onboarding' } }))],
    ['another secret', (): string => pageFrame('A'.repeat(43))],
    ['an empty secret', (): string => pageFrame('')],
    ['no JSON', (): string => '{'],
  ])('opens no socket: %s', async (_what, first) => {
    const { cookie, origin } = await login(s)
    const socket = new WebSocket(`${s.url.replace('http', 'ws')}/rpc`, { headers: { cookie, origin } })
    socket.once('open', () => socket.send(first()))
    expect((await once(socket, 'close'))[0]).toBe(4_401)
  })

  it('opens no socket by silence: it is closed after five seconds', async () => {
    const { cookie, origin } = await login(s)
    const socket = new WebSocket(`${s.url.replace('http', 'ws')}/rpc`, { headers: { cookie, origin } })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    await until('the socket to be waited for', () => s.clock.waiting > 1)
    await s.clock.advance(5_000)
    expect((await closed)[0]).toBe(4_401)
  })

  it('a session of an older version, without a secret, is no session', async () => {
    const page = await login(s)
    const file = join(s.dir, 'sessions.json')
    await s.console.close()
    const stored = JSON.parse(readFileSync(file, 'utf8')) as { sessions: { page?: string }[] }
    for (const session of stored.sessions) delete session.page
    writeFileSync(file, JSON.stringify(stored))
    const again = await stand(1_000, s.dir)
    expect((await send(`${again.url}/auth/sessions`, 'GET', { ...page, origin: again.url })).status).toBe(401)
  })
})

describe('bodies that do not come', () => {
  const slow = (): import('node:net').Socket => {
    const { host, hostname, port } = new URL(s.url)
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.write(`POST /auth/login HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${s.url}\r\nContent-Length: 60\r\n\r\n{`)
    return socket
  }

  it('are given five seconds', async () => {
    const before = s.clock.waiting
    const socket = slow()
    let answer = ''
    socket.on('data', (data) => (answer += data.toString()))
    const closed = once(socket, 'close')
    await until('the body to be waited for', () => s.clock.waiting > before)
    await s.clock.advance(5_000)
    await closed
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('300 of them keep nobody out: a login goes through, and a page that is signed in stays', async () => {
    const page = await login(s)
    const socket = openAsPage(s, page)
    await once(socket, 'open')
    const many = Array.from({ length: 300 }, slow)
    expect((await tryLogin(s, codeOf(s.console.link()))).status).toBe(200)
    expect((await send(`${s.url}/auth/sessions`, 'GET', page)).status).toBe(200)
    await until('most to be cut off', () => many.filter((one) => !one.closed).length <= 64)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    socket.terminate()
  })
})
