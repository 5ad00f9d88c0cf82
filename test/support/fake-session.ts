/** What a page of the console asks its server for beside files: who is signed in, and a channel to the core. */
import { RPCHandler } from '@orpc/server/message-port'
import type { WebSocket } from 'ws'

import { channelAsPort } from '#contract/channel/rpc.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'

import type { createFakeCore } from './fake-core.ts'

const SESSIONS = {
  sessions: [
    { id: 'ses_1', createdAt: 1_795_000_000_000, label: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0', current: true },
  ],
}
const OLD_LINK = {
  error: {
    code: 'UNAUTHORIZED',
    message:
      'This login link was used already or is older than ten minutes; get a new one with: npm run -s stoker -- link',
  },
}

/** The answer to `auth/…`; null for every other path. No login code is ever good here. */
export function fakeAuth(path: string, loggedIn: boolean): { status: number; body: unknown } | null {
  if (path === '/auth/state') return { status: 200, body: { loggedIn, by: 'session' } }
  if (path === '/auth/sessions') return { status: 200, body: SESSIONS }
  if (path === '/auth/login') return { status: 401, body: OLD_LINK }
  return null
}

/** Answers the contract over one socket until it closes; whatever the page's secret is, it is good here. */
export function serveCore(core: ReturnType<typeof createFakeCore>, socket: WebSocket): void {
  socket.once('message', () =>
    new RPCHandler(core).upgrade(channelAsPort(webSocketChannel(socket), 'server'), { context: {} }),
  )
}
