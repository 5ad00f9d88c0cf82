/** What the console's routes share: what they are given, and how they refuse. */
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'

import type { Clock } from '#contract/time.ts'
import type { Core } from '#core/core.ts'
import type { Log } from '#lib/log.ts'

import type { FailedLogins } from './auth/failed-logins.ts'
import type { LoginCodes } from './auth/login-codes.ts'
import type { Caller, Guard, Refusal } from './auth/guard.ts'
import type { BrowserSessions } from './auth/browser-sessions.ts'
import type { Connections } from './connections.ts'
import type { Uploads } from './upload.ts'

export interface HttpDeps {
  readonly guard: Guard
  readonly sessions: BrowserSessions
  readonly codes: LoginCodes
  readonly failedLogins: FailedLogins
  readonly connections: Connections
  readonly uploads: Uploads
  readonly router: Core['router']
  readonly rendererDir: string
  readonly clock: Clock
  readonly log: Log
  /** A new login link; null before the listener has an address. */
  readonly link: () => string
  readonly tls?: { cert: string; key: string }
}

export interface Env {
  Bindings: HttpBindings
  Variables: { caller: Caller }
}

export const refuse = (c: Context<Env>, refusal: Refusal): Response =>
  c.json(
    { error: { code: refusal.status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN', message: refusal.message } },
    refusal.status,
  )

/** Refuses a body over the bound with 413, whether it was declared or only sent. */
export const atMost = (maxSize: number) =>
  bodyLimit({
    maxSize,
    onError: (c) =>
      c.json({ error: { code: 'TOO_LARGE', message: `The body may have at most ${maxSize} bytes.` } }, 413),
  })
