/**
 * How the two modes get a channel: a port handed over by preload in the desktop app, else a WebSocket to the server
 * this page came from. Its addresses are relative to the page, here as in every screen, so that a page below a path
 * talks to the server below that path.
 */
import { pageFrame } from '#contract/channel/page-secret.ts'
import { webPortChannel } from '#contract/channel/web-port.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'

import { OfflineError, type OpenChannel } from './core-connection.ts'
import { fetchAsPage, pageSecret } from './page-secret.ts'

const OPEN_TIMEOUT_MS = 8_000

/** Asks preload for a fresh port; it comes as the window message `stoker-port`. */
export const openDesktop: OpenChannel = (signal) =>
  new Promise((resolve, reject) => {
    const finish = (): void => {
      clearTimeout(timer)
      window.removeEventListener('message', onMessage)
    }
    const onMessage = (event: MessageEvent): void => {
      const port = event.ports[0]
      if (event.source !== window || event.data !== 'stoker-port' || port === undefined) return
      finish()
      resolve(webPortChannel<string, string>(port))
    }
    const timer = setTimeout(
      () => (finish(), reject(new OfflineError('the shell gave no port to the core'))),
      OPEN_TIMEOUT_MS,
    )
    signal.addEventListener('abort', finish, { once: true })
    window.addEventListener('message', onMessage)
    window.stoker?.connect()
  })

/** Null when the server cannot be reached at all. */
async function loggedIn(): Promise<boolean | null> {
  try {
    const answer = (await (
      await fetchAsPage('auth/state', { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) })
    ).json()) as {
      loggedIn?: boolean
    }
    return answer.loggedIn === true
  } catch {
    return null
  }
}

/**
 * The session cookie travels with the upgrade, the page's secret follows as the first message; a page cannot see why
 * an upgrade was refused, so the state is asked first.
 */
export const openHeadless: OpenChannel = async () => {
  const known = await loggedIn()
  if (known === null) throw new OfflineError('the Stoker server does not answer')
  if (!known) return 'login'
  const socket = new WebSocket(new URL('rpc', document.baseURI).href.replace(/^http/, 'ws'))
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('error', () => reject(new OfflineError('the server refused the connection')), {
      once: true,
    })
    socket.addEventListener('close', () => reject(new OfflineError('the server closed the connection')), { once: true })
  })
  socket.send(pageFrame(pageSecret()))
  return webSocketChannel<string, string>(socket)
}

export const openForThisPage: OpenChannel = (signal) =>
  window.stoker === undefined ? openHeadless(signal) : openDesktop(signal)
