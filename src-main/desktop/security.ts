/** What the window may do: show our own page, and nothing else. */
import type { SenderEvent, WindowLike, WindowOptions } from './electron-api.ts'

export const APP_URL = 'app://stoker/index.html'
export const APP_ORIGIN = 'app://stoker/'

/** Styles may be inline (the component library sets some); scripts never. The page talks through its port only, so nothing may be fetched from elsewhere. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

export const windowOptions = (preload: string, isPackaged: boolean): WindowOptions => ({
  width: 1_280,
  height: 860,
  minWidth: 900,
  minHeight: 600,
  show: false,
  title: 'Stoker',
  backgroundColor: '#f6f5f3',
  webPreferences: { preload, sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, spellcheck: false, devTools: !isPackaged },
})

/** No navigation, no redirect, no webview, no new window. */
export function lockDown(window: WindowLike): void {
  for (const event of ['will-navigate', 'will-redirect', 'will-attach-webview'] as const) window.webContents.on(event, (attempt) => attempt.preventDefault())
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
}

/** True for our own page's top frame: messages of anyone else are dropped. */
export const isOwnPage = (event: SenderEvent): boolean => event.senderFrame !== null && event.senderFrame.parent === null && event.senderFrame.url.startsWith(APP_ORIGIN)
