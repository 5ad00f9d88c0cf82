/**
 * Who may speak to the console over HTTP: Host from an allow-list, an exact Origin on everything that changes
 * something, and either the API token (header only) or a session cookie. Pure decisions over header values;
 * docs/security.md says why.
 */
import type { IncomingMessage } from 'node:http'

import { sameSecret } from '#lib/canonical.ts'

import type { BrowserSessions, SessionView } from './browser-sessions.ts'

export type Caller = { kind: 'token' } | { kind: 'session'; session: SessionView }
export type Refusal = { status: 401 | 403 | 421; message: string }

export interface RequestHeads {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly cookie: string | undefined
  readonly authorization: string | undefined
}

export const headsOf = ({ headers }: IncomingMessage): RequestHeads => ({
  host: headers.host,
  origin: headers.origin,
  cookie: headers.cookie,
  authorization: headers.authorization,
})

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

const isRefusal = (value: Caller | Refusal): value is Refusal => 'status' in value
export { isRefusal }

export function createGuard({ token, sessions, hosts, origins }: GuardOptions): Guard {
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
    caller({ authorization, cookie }) {
      if (authorization !== undefined) {
        const match = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)
        return match !== null && sameSecret(match[1] ?? '', token) ? { kind: 'token' } : null
      }
      const value = readCookie(cookie, sessions.cookieName)
      const session = value === null ? null : sessions.find(value)
      return session === null ? null : { kind: 'session', session }
    },
    admit(heads, changes) {
      const host = guard.hostProblem(heads)
      if (host !== null) return host
      const byToken = heads.authorization !== undefined
      if (changes) {
        const origin = guard.originProblem(heads, !byToken)
        if (origin !== null) return origin
      }
      return (
        guard.caller(heads) ?? {
          status: 401,
          message:
            'Not logged in: open a fresh link from `npm run -s stoker -- link`, or send the API token as Authorization: Bearer.',
        }
      )
    },
  }
  return guard
}
