/**
 * URLs of an OpenAI-compatible server: a base URL, with or without the `/v1` that clients often write.
 */
import { fail } from '#contract/errors.ts'

function parsed(base: string): URL {
  try {
    const url = new URL(base)
    if (
      (url.protocol === 'http:' || url.protocol === 'https:') &&
      url.username === '' &&
      url.password === '' &&
      url.search === '' &&
      url.hash === ''
    )
      return url
  } catch {
    // Said below.
  }
  throw fail('remote.address')
}

/** `path` begins with a slash. Error BAD_REQUEST. */
export function addressOf(base: string, path: string): string {
  const { origin, pathname } = parsed(base)
  return `${origin}${pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}${path}`
}

/** Host name and port, as shown to the owner; never more of the URL. */
export const hostOf = (base: string): string => parsed(base).host
