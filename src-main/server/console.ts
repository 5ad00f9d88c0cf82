/** Builds the console's listener over a core: token, codes, sessions, guard, then HTTP. */
import { join } from 'node:path'

import type { Clock } from '#contract/time.ts'
import type { Core } from '#core/core.ts'
import { allowedNames, shownHost } from '#lib/host-names.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'

import { createFailedLogins } from './auth/failed-logins.ts'
import { createLoginCodes } from './auth/login-codes.ts'
import { createGuard } from './auth/guard.ts'
import { openBrowserSessions } from './auth/browser-sessions.ts'
import { Connections } from './connections.ts'
import { apiToken } from './data-dir.ts'
import { listenHttp } from './console-http.ts'
import { createUploads } from './upload.ts'

export interface ConsoleOptions {
  readonly dataDir: string
  readonly rendererDir: string
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Names beside its own by which the listener may be addressed, for instance behind a reverse proxy. */
  readonly allowHosts: readonly string[]
  readonly tls?: { cert: string; key: string }
  readonly router: Core['router']
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  /** Lowered by tests only. */
  readonly uploadBytesMax?: number
}

export interface Console {
  /** Where the page is, without a code. */
  readonly url: string
  /** A new login link: one use, ten minutes; the code is in the fragment, which no server and no log sees. */
  link(): string
  close(): Promise<void>
}

/** Listens. Error: UNAVAILABLE when the address cannot be had. */
export async function openConsole(options: ConsoleOptions): Promise<Console> {
  const { dataDir, host, clock, ids, log, tls } = options
  const sessions = openBrowserSessions(join(dataDir, 'sessions.json'), clock, ids)
  const codes = createLoginCodes(clock, ids)
  const scheme = tls === undefined ? 'http' : 'https'
  const names = allowedNames(host, options.allowHosts)
  let [hosts, origins]: [string[], string[]] = [[], []]
  let url = ''
  const link = (): string => `${url}/#code=${codes.make()}`
  const guard = createGuard({
    token: apiToken(dataDir, () => ids.secret(32)),
    sessions,
    hosts: () => hosts,
    origins: () => origins,
  })
  const uploads = createUploads(dataDir, ids, options.uploadBytesMax)
  const server = await listenHttp(
    {
      guard,
      sessions,
      codes,
      failedLogins: createFailedLogins(clock),
      connections: new Connections(),
      uploads,
      router: options.router,
      rendererDir: options.rendererDir,
      clock,
      log,
      link,
      ...(tls === undefined ? {} : { tls }),
    },
    host,
    options.port,
  )
  const bare = server.port === (scheme === 'http' ? 80 : 443)
  hosts = names.flatMap((name) => (bare ? [name, `${name}:${server.port}`] : [`${name}:${server.port}`]))
  origins = hosts.map((name) => `${scheme}://${name}`)
  // A reverse proxy's name arrives without our port, and its page may be HTTPS where we are not.
  const further = options.allowHosts.map((name) => name.toLowerCase())
  hosts.push(...further)
  origins.push(...further.flatMap((name) => [`http://${name}`, `https://${name}`]))
  url = `${scheme}://${shownHost(host)}${bare ? '' : `:${server.port}`}`
  return { url, link, close: () => server.close() }
}
