/**
 * Who may speak to the console over HTTP: Host from an allow-list, an exact Origin on everything that changes
 * something, and either the API token (header only) or a session: its cookie and its page's secret, since every port
 * of this host receives the cookie. Pure decisions over header values; docs/security.md says why.
 */
import type { IncomingMessage } from 'node:http'

import { PAGE_HEADER } from '#contract/channel/page-secret.ts'
import { sameSecret } from '#lib/canonical.ts'

import type { BrowserSessions, SessionView } from './browser-sessions.ts'

export type Caller = { kind: 'token' } | { kind: 'session'; session: SessionView }
export type Refusal = { status: 401 | 403 | 421; message: string }

export interface RequestHeads {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly cookie: string | undefined
  readonly authorization: string | undefined
  /** The page's secret. */
  readonly page: string | undefined
}

export const headsOf = ({ headers }: IncomingMessage): RequestHeads => ({
  host: headers.host,
  origin: headers.origin,
  cookie: headers.cookie,
  authorization: headers.authorization,
  page: typeof headers[PAGE_HEADER] === 'string' ? headers[PAGE_HEADER] : undefined,
})

/** What a socket's upgrade shows of who opens it: a page's secret comes as its first message. */
export type SocketCaller = { kind: 'token' } | { kind: 'page'; confirm(secret: string): SessionView | null }

export interface Guard {
  /** Null when the Host header names this server: a foreign name means DNS rebinding or a misdirected request. */
  hostProblem(heads: RequestHeads): Refusal | null
  /** For everything but GET and HEAD, and for upgrades. `needed` is true where a browser is the only honest caller. */
  originProblem(heads: RequestHeads, needed: boolean): Refusal | null
  caller(heads: RequestHeads): Caller | null
  /**
   * Caller with the Origin rule applied: a cookie without an exact Origin is refused, a header token without Origin is
   * fine.
   */
  admit(heads: RequestHeads, changes: boolean): Caller | Refusal
  /** The same for a socket's upgrade, which changes something. */
  admitSocket(heads: RequestHeads): SocketCaller | Refusal
}

export function readCookie(header: string | undefined, name: string): string | null {
  if (header === undefined || header.length > 8_192) return null
  for (const part of header.split(';')) {
    const [key, ...rest] = part.split('=')
    if (key?.trim() === name) return rest.join('=').trim()
  }
  return null
}

export interface GuardOptions {
  readonly token: string
  readonly sessions: BrowserSessions
  /** `host:port` values; asked for each request, since port 0 is known only after listening. */
  readonly hosts: () => readonly string[]
  /** Exact origins of our own page, for instance `http://127.0.0.1:7413`. */
  readonly origins: () => readonly string[]
}

const isRefusal = (value: Caller | SocketCaller | Refusal): value is Refusal => 'status' in value
export { isRefusal }

const NOT_LOGGED_IN: Refusal = {
  status: 401,
  message:
    'Not logged in: open a fresh link from `npm run -s stoker -- link`, or send the API token as Authorization: Bearer.',
}

export function createGuard({ token, sessions, hosts, origins }: GuardOptions): Guard {
  const isToken = (authorization: string): boolean => {
    const match = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)
    return match !== null && sameSecret(match[1] ?? '', token)
  }
  const problem = (heads: RequestHeads, changes: boolean): Refusal | null =>
    guard.hostProblem(heads) ?? (changes ? guard.originProblem(heads, heads.authorization === undefined) : null)
  const guard: Guard = {
    hostProblem({ host }) {
      if (host !== undefined && hosts().includes(host.toLowerCase())) return null
      return {
        status: 421,
        message: 'This server does not answer under that name; open the link that `npm run -s stoker -- link` prints.',
      }
    },
    originProblem({ origin }, needed) {
      if (origin === undefined)
        return needed
          ? { status: 403, message: 'A request that changes something needs the Origin header of this console.' }
          : null
      return origins().includes(origin) ? null : { status: 403, message: 'This request comes from another site.' }
    },
    caller({ authorization, cookie, page }) {
      if (authorization !== undefined) return isToken(authorization) ? { kind: 'token' } : null
      const value = readCookie(cookie, sessions.cookieName)
      const session = value === null || page === undefined ? null : sessions.find(value, page)
      return session === null ? null : { kind: 'session', session }
    },
    admit: (heads, changes) => problem(heads, changes) ?? guard.caller(heads) ?? NOT_LOGGED_IN,
    admitSocket(heads) {
      const refusal = problem(heads, true)
      if (refusal !== null) return refusal
      if (heads.authorization !== undefined) return isToken(heads.authorization) ? { kind: 'token' } : NOT_LOGGED_IN
      const value = readCookie(heads.cookie, sessions.cookieName)
      if (value === null || !sessions.knows(value)) return NOT_LOGGED_IN
      return { kind: 'page', confirm: (secret) => sessions.find(value, secret) }
    },
  }
  return guard
}
