/**
 * The one-time login code in the link's fragment (never sent to a server by itself): posted once, then wiped from the
 * address bar.
 */

import { keepPageSecret } from './page-secret.ts'

/** The code of `#code=…`; null when the fragment is something else. */
export function codeOf(hash: string): string | null {
  const match = /^#code=([A-Za-z0-9_-]{8,200})$/.exec(hash)
  return match?.[1] ?? null
}

/** Redeems the code in the page's address, if any. Returns null when all is well, else why the link did not work. */
export async function redeemLink(): Promise<string | null> {
  const code = codeOf(location.hash)
  if (code === null) return null
  history.replaceState(null, '', location.pathname + location.search)
  try {
    const answer = await fetch('auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      signal: AbortSignal.timeout(10_000),
    })
    if (answer.ok) {
      const { page } = (await answer.json()) as { page?: unknown }
      keepPageSecret(typeof page === 'string' ? page : null)
      return null
    }
    const body = (await answer.json().catch(() => null)) as { error?: { message?: string } } | null
    return body?.error?.message ?? 'This link did not work; get a new one with: npm run -s stoker -- link'
  } catch {
    return 'The Stoker server did not answer; is it still running?'
  }
}
