/** What the window may do: show our own page, and nothing else. Follows Electron's security checklist. */
import type { SenderEvent, WebContentsLike, BrowserWindowOptions } from './electron-api.ts'

export const APP_URL = 'app://stoker/index.html'
export const APP_ORIGIN = 'app://stoker/'

/**
 * Styles may be inline (the component library sets some); scripts never. The page talks through its port only, so
 * nothing may be fetched from elsewhere.
 */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-src 'none'; frame-ancestors 'none'; object-src 'none'; worker-src 'none'"

export const windowOptions = (preload: string, isPackaged: boolean): BrowserWindowOptions => ({
  width: 1_280,
  height: 860,
  minWidth: 900,
  minHeight: 600,
  show: false,
  title: 'Stoker',
  backgroundColor: '#f6f5f3',
  webPreferences: {
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    navigateOnDragDrop: false,
    webviewTag: false,
    spellcheck: false,
    devTools: !isPackaged,
  },
})

/** No navigation of any frame but our page's own reload, no redirect, no webview, no new window. */
export function lockDown(page: WebContentsLike): void {
  for (const event of ['will-navigate', 'will-frame-navigate', 'will-redirect'] as const) {
    page.on(event, (attempt) => {
      const isReload = attempt.isMainFrame && event !== 'will-redirect' && attempt.url.split('#', 1)[0] === APP_URL
      if (!isReload) attempt.preventDefault()
    })
  }
  page.on('will-attach-webview', (attempt) => attempt.preventDefault())
  page.setWindowOpenHandler(() => ({ action: 'deny' }))
}

/**
 * Our own page, what it made itself (charts' pictures, a CSV to save), and the developer tools of a build that has
 * them.
 */
export function mayLoad(url: string, isPackaged: boolean): boolean {
  if (url.startsWith(APP_ORIGIN) || url.startsWith(`blob:${APP_ORIGIN}`) || url.startsWith('data:')) return true
  return !isPackaged && url.startsWith('devtools://')
}

/** True for the top frame of our own window's page: messages of anyone else are dropped. */
export const isOwnPage = (event: SenderEvent, page: WebContentsLike): boolean =>
  event.sender === page &&
  event.senderFrame !== null &&
  event.senderFrame.parent === null &&
  event.senderFrame.url.startsWith(APP_ORIGIN)
