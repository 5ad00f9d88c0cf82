/**
 * The page's half of a login (contract/channel/page-secret.ts): kept in this origin's storage, where reloads and other tabs find
 * it, and the servers of other ports do not. Named by the page's path, since a proxy may put two consoles on one origin.
 */
import { PAGE_HEADER } from '#contract/channel/page-secret.ts'

const name = (): string => `stoker-page:${new URL('.', document.baseURI).pathname}`

/** '' where there is none, or where the browser keeps nothing. */
export function pageSecret(): string {
  try {
    return localStorage.getItem(name()) ?? ''
  } catch {
    return ''
  }
}

/** Null forgets it. */
export function keepPageSecret(secret: string | null): void {
  try {
    if (secret === null) localStorage.removeItem(name())
    else localStorage.setItem(name(), secret)
  } catch {
    // Without storage the next load of the page asks for a new link.
  }
}

/** `fetch` of the console's own server, with the page's secret. */
export function fetchAsPage(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers)
  const secret = pageSecret()
  if (secret !== '') headers.set(PAGE_HEADER, secret)
  return fetch(path, { ...options, headers })
}
