/**
 * The console's second secret. A browser hands a cookie to every port of a host, so any local server can collect it; the
 * page secret lies in the storage of the console's own origin, which no other port can read. The page sends it as a
 * header, and as the first message of its socket, since a page cannot set headers there. docs/security.md, The console's
 * secrets.
 */

export const PAGE_HEADER = 'x-stoker-page'

/** 256 bits, base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/

/** The first message of a page's socket; a page without a secret sends an empty one and is refused. */
export const pageFrame = (secret: string): string => JSON.stringify({ page: secret })

/** The secret of a first message; null for any other. */
export function pageOf(message: string): string | null {
  if (message.length > 200) return null
  try {
    const { page } = JSON.parse(message) as { page?: unknown }
    return typeof page === 'string' && SECRET.test(page) ? page : null
  } catch {
    return null
  }
}
