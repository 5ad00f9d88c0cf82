/** Login, logout, sessions, links. */
import type { Context, Hono } from 'hono'

import { fail, StokerError } from '#contract/errors.ts'
import { within } from '#lib/within.ts'

import { headsOf } from './auth/guard.ts'
import { SESSION_LIFE_MS } from './auth/browser-sessions.ts'
import { atMost, refuse, type Env, type HttpDeps } from './http-parts.ts'

const LOGIN_BYTES_MAX = 4_096
/** A login's body has to be here by then; it is a hundred bytes. */
const LOGIN_MS = 5_000

const OLD_LINK = {
  error: {
    code: 'UNAUTHORIZED',
    message:
      'This login link was used already or is older than ten minutes; get a new one with: npm run -s stoker -- link',
  },
}
const TOO_MANY = { error: { code: 'UNAVAILABLE', message: 'Too many failed logins from here; wait a minute.' } }

/** The code of a login's body; null for anything else. Throws when the body does not come. */
async function codeOf(c: Context<Env>, { clock }: HttpDeps): Promise<string | null> {
  const body = await within(clock, LOGIN_MS, c.req.json<unknown>(), () => fail('console.loginLate')).catch(
    (error: unknown) => {
      if (error instanceof StokerError && error.code === 'TIMEOUT') throw error
      return null
    },
  )
  const { code } = (body ?? {}) as { code?: unknown }
  return typeof code === 'string' && code.length <= 200 ? code : null
}

function cookieValue(deps: HttpDeps, value: string, maxAgeS: number): string {
  return `${deps.sessions.cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${deps.tls === undefined ? '' : '; Secure'}`
}

/** `/auth/*`. What of it is open without a login is decided where the guard stands. */
export function addAuthRoutes(app: Hono<Env>, deps: HttpDeps): void {
  const { guard, sessions, codes, failedLogins } = deps
  app.get('/auth/state', (c) => {
    const caller = guard.caller(headsOf(c.env.incoming))
    return c.json({ loggedIn: caller !== null, by: caller?.kind ?? null })
  })
  app.post('/auth/login', atMost(LOGIN_BYTES_MAX), async (c) => {
    const origin = guard.originProblem(headsOf(c.env.incoming), true)
    if (origin !== null) return refuse(c, origin)
    const { socket } = c.env.incoming
    const code = await codeOf(c, deps)
    if (code === null || !codes.redeem(code))
      return failedLogins.failed(socket.remoteAddress ?? '') ? c.json(OLD_LINK, 401) : c.json(TOO_MANY, 429)
    const { token, page } = sessions.create(c.req.header('user-agent') ?? 'unknown browser')
    deps.connections.proved(socket)
    c.header('set-cookie', cookieValue(deps, token, SESSION_LIFE_MS / 1_000))
    return c.json({ loggedIn: true, page })
  })
  app.post('/auth/logout', (c) => {
    const caller = c.get('caller')
    if (caller.kind === 'session') sessions.revoke(caller.session.id)
    c.header('set-cookie', cookieValue(deps, '', 0))
    return c.json({ loggedIn: false })
  })
  app.get('/auth/sessions', (c) => {
    const caller = c.get('caller')
    return c.json({
      sessions: sessions
        .list()
        .map((session) => ({ ...session, current: caller.kind === 'session' && caller.session.id === session.id })),
    })
  })
  app.delete('/auth/sessions/:id', (c) =>
    sessions.revoke(c.req.param('id'))
      ? c.json({ revoked: true })
      : c.json({ error: { code: 'NOT_FOUND', message: 'There is no such session.' } }, 404),
  )
  app.post('/auth/link', (c) =>
    c.get('caller').kind === 'token'
      ? c.json({ link: deps.link() })
      : refuse(c, { status: 403, message: 'Only the API token makes login links.' }),
  )
}
